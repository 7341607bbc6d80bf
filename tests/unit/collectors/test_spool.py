"""A spool keeps what was written until it is forgotten, over a crash too, and is one process's at a time."""

import os
from pathlib import Path

import pytest

from collectors.infra import spool as module
from collectors.infra.spool import Position, Spool
from ledger.core.errors import RetriableSource

MUCH = 10**9


def read_all(spool: Spool, position: Position) -> tuple[list[bytes], Position]:
    found: list[bytes] = []
    while entries := spool.read(position):
        found += [entry for entry, _ in entries]
        position = entries[-1][1]
    return found, position


def test_entries_come_in_order_over_many_files_and_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 200)
    entries = [b"%d" % number * (number % 40) for number in range(100)]
    spool = Spool(tmp_path, Position(), MUCH)
    for entry in entries:
        spool.append([entry])
    assert read_all(spool, Position())[0] == entries
    first = spool.read(Position())
    middle = first[0][1]
    spool.close()
    again = Spool(tmp_path, middle, MUCH)
    again.append([b"after the restart"])
    assert read_all(again, middle)[0] == [*entries[1:], b"after the restart"]
    assert not again.lost
    assert not again.damaged
    again.close()


def test_what_is_forgotten_leaves_the_disk_and_the_rest_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 100)
    spool = Spool(tmp_path, Position(), 300)
    spool.append([b"x" * 90])
    spool.append([b"y" * 90])
    spool.append([b"z" * 90])
    assert not spool.full
    spool.append([b"z" * 90])
    assert spool.full
    _, position = read_all(spool, Position())
    spool.forget(position)
    assert not spool.full
    assert len(list(tmp_path.glob("*.spool"))) == 1
    assert read_all(spool, position) == ([], position)
    spool.append([b"more"])
    assert read_all(spool, position)[0] == [b"more"]
    spool.close()


def test_a_full_spool_has_room_again_once_it_was_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Position(), 1000)
    while not spool.full:
        spool.append([b"x" * 20])
    _, position = read_all(spool, Position())
    spool.forget(position)
    assert spool.size < 300
    spool.close()


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_an_entry_that_was_written_in_part_is_cut_off(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path, Position(), MUCH)
    spool.append([b"first"])
    spool.append([b"second" * 5])
    spool.close()
    (file,) = [path for path in tmp_path.glob("*.spool") if path.stat().st_size]
    os.truncate(file, file.stat().st_size - cut)
    again = Spool(tmp_path, Position(), MUCH)
    assert again.damaged
    assert read_all(again, Position())[0] == [b"first"]
    again.append([b"third"])
    assert read_all(again, Position())[0] == [b"first", b"third"]
    again.close()


def test_a_damaged_entry_is_never_handed_over(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Position(), MUCH)
    spool.append([b"first", b"second"])
    spool.close()
    (file,) = [path for path in tmp_path.glob("*.spool") if path.stat().st_size]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    again = Spool(tmp_path, Position(), MUCH)
    assert again.damaged
    assert read_all(again, Position())[0] == [b"first"]
    again.close()


def test_a_spool_that_is_gone_is_known_to_be(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new", Position(7, 100), MUCH)
    assert spool.lost
    spool.append([b"x"])
    found, position = read_all(spool, Position(7, 100))
    assert found == [b"x"]
    assert position.segment == 8
    spool.close()


def test_two_collectors_never_share_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, Position(), MUCH)
    with pytest.raises(RetriableSource, match="another collector"):
        Spool(tmp_path, Position(), MUCH)
    spool.close()
    Spool(tmp_path, Position(), MUCH).close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RetriableSource, match="file/spool"):
        Spool(tmp_path / "file" / "spool", Position(), MUCH)


def test_nobody_else_can_read_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "new", Position(), MUCH)
    spool.append([b"x"])
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "new").iterdir())
    spool.close()


def test_an_entry_larger_than_what_is_read_at_once_comes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_BYTES", 50)
    spool = Spool(tmp_path, Position(), MUCH)
    spool.append([b"a" * 30, b"b" * 500, b"c"])
    assert read_all(spool, Position())[0] == [b"a" * 30, b"b" * 500, b"c"]
    spool.close()
