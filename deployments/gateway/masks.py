"""The secrets of commands, by which their output is masked once more before it is stored."""

from collections.abc import Collection, Iterable

import structlog

from agent.contracts.masking import Secrets
from deployments.base.secrets import SecretUnreadable
from deployments.execution.services import mailbox

log = structlog.get_logger(__name__)


class CommandSecrets:
    """What each command must not print: learned when it is sent, or read once when it speaks.

    Keyed by execution. `learn` and `forget` belong to the event loop, `of` to the writer's thread.
    """

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}
        self._secrets: dict[int, Secrets | None] = {}

    def learn(self, execution_pk: int, texts: list[str]) -> None:
        """Take in what is known already, because the command is being sent."""
        self._texts[execution_pk] = texts

    def forget(self, execution_pks: Iterable[int]) -> None:
        """Drop what is known of commands that have ended or whose session has."""
        for pk in execution_pks:
            self._texts.pop(pk, None)
            self._secrets.pop(pk, None)

    def of(self, execution_pks: Collection[int]) -> dict[int, Secrets | None]:
        """Return the secrets of each execution; None where nobody can tell them any more."""
        unknown = [pk for pk in execution_pks if pk not in self._secrets and pk not in self._texts]
        read = _read(unknown) if unknown else {}
        return {pk: self._of(pk, read) for pk in execution_pks}

    def _of(self, pk: int, read: dict[int, list[str]]) -> Secrets | None:
        if pk in self._secrets:
            return self._secrets[pk]
        texts = self._texts.pop(pk, None)
        if texts is None:
            texts = read.get(pk)
        made = None if texts is None else _made_of(texts)
        self._secrets[pk] = made
        return made


def _read(pks: Collection[int]) -> dict[int, list[str]]:
    try:
        return mailbox.secret_texts_of(pks)
    except SecretUnreadable:
        if len(pks) > 1:
            return {pk: texts for one in pks for pk, texts in _read([one]).items()}
        log.exception("the secrets of a command cannot be read", executions=list(pks))
        return {}


def _made_of(texts: list[str]) -> Secrets:
    secrets = Secrets()
    for text in texts:
        secrets.add(text)
    return secrets
