"""aurora-dsql-django: an application's migrations, its objects, rows locked for update, and a conflict."""

import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

from tests.fix_clients import Exported

NOT_INSTALLED = "is not installed; it comes with --group clients"
django: Any = pytest.importorskip("django", reason=f"django {NOT_INSTALLED}")
pytest.importorskip("aurora_dsql_django", reason=f"aurora-dsql-django {NOT_INSTALLED}")

APPLICATION = "tests.clients.library"


def database(exported: Exported) -> dict[str, Any]:
    return {
        "HOST": exported.host,
        "USER": "admin",
        "NAME": "postgres",
        "ENGINE": "aurora_dsql_django",
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "system"},
    }


@pytest.fixture(scope="module")
def models(exported: Exported, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The application's models, its migrations made and run on an empty cluster."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    folder = tmp_path_factory.mktemp("django")
    settings.configure(
        DATABASES={"default": database(exported), "other": database(exported)},
        INSTALLED_APPS=[APPLICATION],
        MIGRATION_MODULES={"library": "library_migrations"},
        USE_TZ=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        (folder / "library_migrations").mkdir()
        (folder / "library_migrations" / "__init__.py").touch()
        patch.syspath_prepend(folder)
        django.setup()
        call_command("makemigrations", "library", stdout=StringIO())
        call_command("migrate", stdout=StringIO())
        exported.wait_for_builds()
        yield sys.modules[f"{APPLICATION}.models"]
        connections.close_all()


def test_every_migration_is_there(models: Any) -> None:
    from django.core.management import call_command

    out = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    call_command("showmigrations", "--plan", stdout=out)
    assert out.getvalue() == "No changes detected\n[X]  library.0001_initial\n"


def test_every_index_is_there(models: Any, exported: Exported) -> None:
    query = "SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'library%' AND indexname NOT LIKE '%_pkey'"
    assert exported.ask(query)[0][0] >= 5 + len(("email", "member_id", "book_id"))


def test_objects_are_kept_and_found(models: Any) -> None:
    ada = models.Member.objects.create(name="Ada", email="ada@example.org")
    book = models.Book.objects.create(title="Notes", author="Menabrea", copies=2)
    models.Loan.objects.bulk_create(models.Loan(member=ada, book=book) for _ in range(3))
    assert ada.loans.filter(book__author="Menabrea").update(returned=True) == 3
    found = models.Book.objects.filter(loan__member__name="Ada").distinct().values_list("title", "copies")
    assert list(found) == [("Notes", 2)]
    member, made = models.Member.objects.update_or_create(email="ada@example.org", defaults={"name": "Ada L."})
    assert (member.pk, made) == (ada.pk, False)
    ada.delete()
    assert models.Loan.objects.count() == 0


def test_a_row_that_is_locked_for_update_and_changed_elsewhere(models: Any) -> None:
    from django.db import OperationalError, transaction

    book = models.Book.objects.create(title="Clean", author="Code")

    def inspect() -> None:
        with transaction.atomic():
            locked = models.Book.objects.select_for_update().get(pk=book.pk)
            assert models.Book.objects.using("other").filter(pk=book.pk).update(copies=5) == 1
            assert locked.copies == 1

    with pytest.raises(OperationalError, match="OC000"):
        inspect()
    book.refresh_from_db()
    assert book.copies == 5


def test_the_second_of_two_transactions_loses_at_commit_and_is_run_again(models: Any) -> None:
    from django.db import OperationalError, transaction
    from django.db.models import F

    book = models.Book.objects.create(title="Twice", author="Lent", copies=3)
    attempts: list[int] = []

    def lend() -> None:
        with transaction.atomic():
            models.Book.objects.filter(pk=book.pk).update(copies=F("copies") - 1)
            if not attempts:
                models.Book.objects.using("other").filter(pk=book.pk).update(copies=F("copies") - 1)
            attempts.append(1)

    with pytest.raises(OperationalError) as caught:
        lend()
    assert caught.value.__cause__.sqlstate == "40001"
    lend()
    book.refresh_from_db()
    assert (book.copies, len(attempts)) == (1, 2)
