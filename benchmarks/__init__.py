"""Speed and memory of clew beside other libraries that compute the same: ``make bench``."""
