"""Before phoenix: which runs go deep, which targets, and the ABs of them."""
