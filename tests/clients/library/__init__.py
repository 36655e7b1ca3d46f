"""A Django application: a library's books and who has them."""
