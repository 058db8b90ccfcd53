"""Learning by cut-outs: find new surroundings in large runs, cut them out, label, fit again, verify."""
