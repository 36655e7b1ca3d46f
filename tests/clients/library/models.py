"""Members, books and loans; two foreign keys, and an index on each of five things that are asked for."""

import uuid

from django.db import models


class Member(models.Model):
    """Who may borrow."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, db_index=True)
    email = models.EmailField(unique=True)
    joined = models.DateField(auto_now_add=True, db_index=True)


class Book(models.Model):
    """What may be borrowed; the key is Django's own, which the adapter makes a UUID."""

    title = models.CharField(max_length=120, db_index=True)
    author = models.CharField(max_length=80)
    copies = models.PositiveIntegerField(default=1)

    class Meta:
        """Two more indexes."""

        indexes = (
            models.Index(fields=["author", "title"], name="book_author_title"),
            models.Index(fields=["copies"], name="book_copies"),
        )


class Loan(models.Model):
    """Who has what."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="loans")
    book = models.ForeignKey(Book, on_delete=models.PROTECT)
    returned = models.BooleanField(default=False)
