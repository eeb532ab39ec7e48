"""Querysets that refuse to be evaluated before somebody said which space they are about."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

from deployments.base.actor import Actor

if TYPE_CHECKING:
    from deployments.base.models.space import Space

M_co = TypeVar("M_co", bound=models.Model, covariant=True)

VisibilityRule = Callable[[Actor, "Space", str, type[models.Model]], models.Q]
_visibility_rule: VisibilityRule | None = None
_unguarded: ContextVar[str] = ContextVar("unguarded", default="")


class UnscopedQuery(RuntimeError):
    """An owned model was read without in_space, visible_to or unscoped."""


def register_visibility_rule(rule: VisibilityRule) -> None:
    """Register how an actor and a permission become a filter (done once by the access app)."""
    global _visibility_rule  # noqa: PLW0603 set once while the apps load
    _visibility_rule = rule


@contextmanager
def unguarded(reason: str) -> Iterator[None]:
    """Let querysets run unscoped inside the block; for Django's own machinery only."""
    token = _unguarded.set(reason)
    try:
        yield
    finally:
        _unguarded.reset(token)


class SpaceQuerySet(models.QuerySet[M_co]):
    """A queryset over rows owned by a space."""

    _scoped: bool = False

    def _clone(self) -> Self:
        clone: Self = super()._clone()  # type: ignore[misc]  # untyped in the stubs
        clone._scoped = self._scoped
        return clone

    def _mark(self) -> Self:
        clone: Self = self._chain()  # type: ignore[attr-defined]  # untyped in the stubs
        clone._scoped = True
        return clone

    def in_space(self, space: "Space") -> Self:
        """Return the rows of one space."""
        return self._mark().filter(space=space)

    def visible_to(self, actor: Actor, space: "Space", permission: str) -> Self:
        """Return the rows of the space on which the actor holds the permission."""
        if _visibility_rule is None:
            raise RuntimeError("The access app is not loaded.")
        return self.in_space(space).filter(_visibility_rule(actor, space, permission, self.model))

    def unscoped(self, *, reason: str) -> Self:
        """Return rows of all spaces; the reason is for the reader and the allow-list test."""
        assert reason  # noqa: S101 a mistake of the programmer
        return self._mark()

    def _is_scoped(self) -> bool:
        # Django leaves the instance whose relation is read (`project.releases`) as a hint; that
        # instance was itself reached through a scoped query.
        hints: dict[str, Any] = self._hints  # type: ignore[attr-defined]  # not in the stubs
        return self._scoped or isinstance(hints.get("instance"), models.Model)

    def _require_scope(self) -> None:
        if not self._is_scoped() and not _unguarded.get():
            raise UnscopedQuery(
                f"{self.model.__name__} was queried without in_space(), visible_to() or unscoped()."
            )

    def _fetch_all(self) -> None:
        self._require_scope()
        super()._fetch_all()

    def iterator(self, chunk_size: int | None = None) -> Iterator[Any]:
        self._require_scope()
        return super().iterator(chunk_size)

    def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[Any]:
        self._require_scope()
        return super().aiterator(chunk_size)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        self._require_scope()
        return super().raw(*args, **kwargs)

    def exists(self) -> bool:
        self._require_scope()
        return super().exists()

    def count(self) -> int:
        self._require_scope()
        return super().count()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._require_scope()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        self._require_scope()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        self._require_scope()
        return super().delete()

    def _combinator_query(
        self,
        combinator: str,
        *others: Any,
        all: bool = False,  # noqa: A002 Django's name
    ) -> Self:
        for queryset in (self, *others):
            queryset._require_scope()  # noqa: SLF001 querysets of ours
        return super()._combinator_query(combinator, *others, all=all)  # type: ignore[misc,no-any-return]


class SpaceManager(models.Manager[M_co]):
    """The manager of owned models: every way to rows goes through SpaceQuerySet."""

    def get_queryset(self) -> SpaceQuerySet[M_co]:
        return SpaceQuerySet(self.model, using=self._db)

    def in_space(self, space: "Space") -> SpaceQuerySet[M_co]:
        return self.get_queryset().in_space(space)

    def visible_to(self, actor: Actor, space: "Space", permission: str) -> SpaceQuerySet[M_co]:
        return self.get_queryset().visible_to(actor, space, permission)

    def unscoped(self, *, reason: str) -> SpaceQuerySet[M_co]:
        return self.get_queryset().unscoped(reason=reason)

    def create(self, **kwargs: Any) -> M_co:
        return super().create(**kwargs)

    def bulk_create(self, objs: Collection[Any], *args: Any, **kwargs: Any) -> list[Any]:  # type: ignore[override]
        return super().bulk_create(objs, *args, **kwargs)
