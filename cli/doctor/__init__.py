"""``trebuche doctor``: the rules of ``policies`` on a program and on a running stack, and what only AWS can tell."""
