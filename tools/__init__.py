"""Programs that make what is stored in this repository; nothing of the product imports them."""
