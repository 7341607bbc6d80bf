"""Review by exception: the rules over what is new, and what they find."""
