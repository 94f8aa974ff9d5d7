"""What a report measures: numbers and arrays, no drawing."""
