"""Ways to send mail: to a list in memory, into a folder of `.eml` files, over SMTP."""
