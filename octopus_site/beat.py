"""A beat scheduler without a file: the schedule is static and every tick is harmless twice."""

from celery.beat import Scheduler


class MemoryScheduler(Scheduler):
    """Keeps the schedule in memory only, at least once a second."""

    max_interval = 1

    def setup_schedule(self) -> None:
        self.install_default_entries(self.schedule)
        self.merge_inplace(self.app.conf.beat_schedule)
