"""Models of Tortoise ORM: a choir's singers, its songs and who sings them."""

import uuid

from tortoise import fields
from tortoise.models import Model


class Singer(Model):
    """Who sings."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    name = fields.CharField(max_length=80, db_index=True)
    voice = fields.CharField(max_length=10, db_index=True)
    email = fields.CharField(max_length=120, unique=True)

    class Meta:
        """Its table."""

        table = "singer"
        indexes = (("voice", "name"),)


class Song(Model):
    """What is sung; its key comes from the server."""

    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=120, db_index=True)
    sung = fields.IntField(default=0)
    singers: fields.ManyToManyRelation[Singer] = fields.ManyToManyField("models.Singer", related_name="songs")

    class Meta:
        """Its table."""

        table = "song"


class Rehearsal(Model):
    """When it was sung."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    on = fields.DateField(db_index=True)
    song: fields.ForeignKeyRelation[Song] = fields.ForeignKeyField("models.Song", related_name="rehearsals")

    class Meta:
        """Its table."""

        table = "rehearsal"
