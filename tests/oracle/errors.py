"""What the oracle raises."""


class NotVerified(Exception):
    """Something does not hold; `where` is the file, entry or line at fault, `why` says what is wrong with it."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why
