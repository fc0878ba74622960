"""Configuration: one table behind mapping, keywords, TOML and files."""

import enum
from pathlib import Path

import pytest

from duochain import Config, ConfigError, Node, UnknownKeyError


def test_a_configuration_reads_and_writes_like_a_dictionary() -> None:
    config = Config(queue_lanes=2)
    config["storage.backend"] = "memory"
    assert (config["queue.lanes"], config["storage.backend"], config["time.scale"]) == (2, "memory", 1)
    assert "queue.lanes" in config and "queue.lane" not in config
    assert len(config) == len(list(config)) == len(dict(config))
    assert config.get("nothing", 5) == 5
    assert "'queue.lanes': 2" in repr(config) and "time.scale" not in repr(config)


def test_a_copy_goes_its_own_way() -> None:
    config = Config(queue_lanes=2)
    copy = config.copy()
    copy["queue.lanes"] = 3
    assert (config["queue.lanes"], copy["queue.lanes"]) == (2, 3)


def test_a_wrong_key_names_the_nearest_known_one() -> None:
    with pytest.raises(UnknownKeyError, match="nearest known key is `queue.lanes`"):
        Config()["queue.lane"]
    with pytest.raises(UnknownKeyError, match="nearest known key is `queue.lanes`"):
        Config()["queue.lane"] = 2
    with pytest.raises(UnknownKeyError, match="nearest known key is `queue.lanes`"):
        Config(queue_lane=2)  # type: ignore[call-arg]
    with pytest.raises(UnknownKeyError):
        Node(scale=2)  # type: ignore[call-arg]


def test_a_wrong_value_names_the_range_and_changes_nothing() -> None:
    config = Config(queue_lanes=2)
    for value in (0, 17, -1, 2**80, "many", ""):
        with pytest.raises(ConfigError, match="allowed: 1 to 16"):
            config["queue.lanes"] = value
    assert config["queue.lanes"] == 2
    for wrong in (None, 1.5, True, [1], b"2"):
        with pytest.raises(TypeError):
            config["queue.lanes"] = wrong  # type: ignore[assignment]
    with pytest.raises(ValueError):
        config["data_dir"] = "\udcff"


def test_numbers_may_come_from_an_enumeration_and_paths_from_pathlib() -> None:
    class Lanes(enum.IntEnum):
        FEW = 2

    assert Config(queue_lanes=Lanes.FEW, data_dir=Path("somewhere"))["queue.lanes"] == 2


def test_toml_text_and_files_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text("[queue]\nlanes = 3\ncells = 64\n")
    config = Config(file=file, toml="queue.lanes = 5", time_scale=7)
    assert (config["queue.lanes"], config["queue.cells"], config["time.scale"]) == (5, 64, 7)
    with pytest.raises(ConfigError, match="nope"):
        config.load_toml("queue.lanes = 9\nqueue.nope = 1")
    assert config["queue.lanes"] == 5
    file.write_bytes(b'data_dir = "\xff"')
    with pytest.raises(ConfigError, match="not UTF-8 at offset 12"):
        config.load_file(file)
    with pytest.raises(ConfigError, match=r"none\.toml"):
        Config(file=tmp_path / "none.toml")


def test_relations_between_keys_are_checked_before_anything_is_opened() -> None:
    with pytest.raises(ConfigError, match="data_dir"):
        Config().validate()
    with pytest.raises(ConfigError, match="health.stalled_intervals"):
        Node(storage_backend="memory", health_stalled_intervals=3)
    Config(storage_backend="memory").validate()


def test_keywords_beside_a_configuration_go_over_a_copy_of_it() -> None:
    config = Config(storage_backend="memory", time_scale=300)
    with Node(config, completions_max=7, time_scale=1) as node:
        assert "open" in repr(node)
    assert config["time.scale"] == 300
