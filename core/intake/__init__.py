"""Files in, samples out: what a file says, which column means what, and what is wrong with a row."""
