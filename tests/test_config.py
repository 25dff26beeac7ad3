import json
import math

import pytest

from workbench.config import GREEDY, RunConfig, settings
from workbench.errors import SettingsError

CHANGED = {"corpus": "scan", "units": 64, "learning_rate": 0.0007, "bidirectional": False,
           "attention": "dot", "source_tokens": "char", "name": "näme"}  # fmt: skip


def message(**changes):
    with pytest.raises(SettingsError) as error:
        RunConfig(**changes)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_keywords_json_yaml_and_notebook_variables_give_the_same_settings(tmp_path):
    config = RunConfig(**CHANGED)
    yaml_text = "\n".join(f"{name}: {json.dumps(value)}" for name, value in CHANGED.items())
    (tmp_path / "a.json").write_text(json.dumps(CHANGED), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(yaml_text, encoding="utf-8")
    assert RunConfig.from_json(json.dumps(CHANGED)) == config
    assert RunConfig.from_yaml(yaml_text) == config
    assert RunConfig.from_file(tmp_path / "a.json") == config
    assert RunConfig.from_file(str(tmp_path / "a.yaml")) == config
    variables = {**CHANGED, "json": json, "__name__": "__main__", "session": object()}
    assert RunConfig.from_variables(variables) == config
    assert config.differences() == CHANGED


@pytest.mark.parametrize("config", [RunConfig(), RunConfig(**CHANGED)], ids=["default", "changed"])
def test_json_comes_back_unchanged(config):
    again = RunConfig.from_json(config.to_json())
    assert again == config
    assert again.to_json() == config.to_json()
    # the hash of a run is taken over this text: a 0 that came back as 0.0 would change it
    assert json.dumps(again.model_dump()) == json.dumps(config.model_dump())


def test_numbers_may_come_as_text():
    config = RunConfig.from_yaml("learning_rate: 1e-3\nunits: '64'\nlive: 'false'")
    assert (config.learning_rate, config.units, config.live) == (0.001, 64, False)
    assert isinstance(config.learning_rate, float)


def test_a_column_number_may_come_as_a_number():
    assert RunConfig(source_column=2).source_column == "2"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"units": 0}, "units: expected an integer from 1 to 4096, got 0"),
        ({"units": "many"}, "units: expected an integer from 1 to 4096, got 'many'"),
        ({"units": 3.5}, "units: expected an integer from 1 to 4096, got 3.5"),
        ({"units": True}, "units: expected an integer from 1 to 4096, got True"),
        ({"epochs": None}, "epochs: expected an integer from 1 to 100000, got None"),
        ({"seed": -1}, "seed: expected an integer from 0 to 2147483647, got -1"),
        ({"train_limit": -5}, "train_limit: expected an integer from 0, got -5"),
        ({"learning_rate": 0}, "learning_rate: expected a number above 0 to 10, got 0"),
        ({"learning_rate": math.nan}, "learning_rate: expected a number above 0 to 10, got nan"),
        ({"learning_rate": False}, "learning_rate: expected a number above 0 to 10, got False"),
        ({"dropout": 1}, "dropout: expected a number from 0 to below 1, got 1"),
        ({"lowercase": "maybe"}, "lowercase: expected true or false, got 'maybe'"),
        ({"corpus": True}, "corpus: expected text, got True"),
        ({"corpus": ["a"]}, "corpus: expected text, got ['a']"),
        (
            {"encoder": "lstn"},
            "encoder: expected one of rnn, lstm, gru, cnn, transformer, got 'lstn'",
        ),
        (
            {"layers": 0, "beam_width": 99},
            "layers: expected an integer from 1 to 16, got 0; "
            "beam_width: expected an integer from 1 to 64, got 99",
        ),
    ],
)
def test_bad_values_say_what_was_expected(changes, expected):
    got = message(**changes)
    assert sorted(got.split("; ")) == sorted(expected.split("; "))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unit": 64}, "unknown setting 'unit'; did you mean 'units'?"),
        ({"learningrate": 1}, "unknown setting 'learningrate'; did you mean 'learning_rate'?"),
        ({"zzz": 1}, "unknown setting 'zzz'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(changes, expected):
    assert message(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"units": 63}, "units is 63 and bidirectional is True"),
        (
            {"input_feeding": True, "attention": "none"},
            "input_feeding is True and attention is 'none'",
        ),
        ({"bidirectional_layers": 2}, "bidirectional_layers is 2 and layers is 1"),
        (
            {"bidirectional_layers": 1, "bidirectional": False},
            "bidirectional_layers is 1 and bidirectional is False",
        ),
        (
            {"decoder": "transformer", "attention": "dot"},
            "attention is 'dot' and decoder is 'transformer'",
        ),
        ({"attention": "multi_head"}, "attention is 'multi_head' and decoder is 'lstm'"),
        ({"decoder": "cnn", "input_feeding": True}, "input_feeding is True and decoder is 'cnn'"),
        ({"coverage": True, "attention": "none"}, "coverage is True and attention is 'none'"),
        (
            {"attention_span": "local_p", "attention": "none"},
            "attention_span is 'local_p' and attention is 'none'",
        ),
        (
            {"attention_span": "monotonic", "decoder": "transformer"},
            "attention_span is 'monotonic' and decoder is 'transformer'",
        ),
        (
            {"location_filters": 4, "location_width": 4},
            "location_width is 4 and location_filters is 4",
        ),
        ({"coverage_loss": 1, "attention": "none"}, "coverage_loss is 1.0 and attention is 'none'"),
        (
            {"copy_source": True, "target_tokens": "char"},
            "source_tokens is 'word' and target_tokens is 'char'",
        ),
        ({"decoder": "transformer", "units": 130}, "heads is 4 and units is 130"),
        (
            {"encoder": "transformer", "units": 3, "heads": 1, "bidirectional": False},
            "units is 3 and positions is 'sinusoidal'",
        ),
        ({"segment": 8}, "segment is 8 and decoder is 'lstm'"),
        (
            {"segment": 101, "decoder": "transformer", "positions": "relative"},
            "segment is 101 and max_length is 100",
        ),
        ({"segment": 8, "decoder": "transformer"}, "segment is 8 and positions is 'sinusoidal'"),
        ({"segment_memory": 8}, "segment_memory is 8 and segment is 0"),
        ({"stochastic_depth": 0.1}, "stochastic_depth is 0.1 and residual is False"),
        ({"adapter": "lora"}, "adapter is 'lora' and adapt_from is ''"),
        ({"strategy": "mirrored", "xla": True}, "strategy is 'mirrored' and xla is True"),
        ({"average_checkpoints": 5, "patience": 2}, "average_checkpoints is 5 and patience is 2"),
        ({"beam_groups": 2, "diversity": 1}, "beam_groups is 2 and beam_width is 5"),
        ({"beam_groups": 5}, "beam_groups is 5 and diversity is 0.0"),
        ({"diversity": 0.5}, "diversity is 0.5 and beam_groups is 1"),
        (
            {"beam_groups": 5, "diversity": 0.5, "temperature": 1},
            "beam_groups is 5 and temperature is 1.0",
        ),
        ({"hypotheses": 6}, "hypotheses is 6 and beam_width is 5"),
        (
            {"min_decode_length": 8, "max_decode_length": 7},
            "min_decode_length is 8 and max_decode_length is 7",
        ),
        ({"weight_decay": 0.1}, "weight_decay is 0.1 and optimizer is adam"),
        ({"validation_share": 0.5, "test_share": 0.5}, "leave nothing to train on"),
    ],
)
def test_settings_that_contradict_each_other_name_both(changes, part):
    assert part in message(**changes)


def test_from_any_search_there_is_a_way_to_a_greedy_one():
    config = RunConfig(beam_width=6, beam_groups=3, diversity=0.5, hypotheses=4)
    greedy = config.replace(**GREEDY)
    assert (greedy.beam_width, greedy.beam_groups, greedy.temperature) == (1, 1, 0)
    assert RunConfig(temperature=0.5).replace(**GREEDY) == RunConfig(beam_width=1)


def test_replace_validates_and_leaves_the_original():
    config = RunConfig()
    assert config.replace(units=64).units == 64
    assert config == RunConfig()
    with pytest.raises(SettingsError, match="units: expected"):
        config.replace(units=-1)


@pytest.mark.parametrize(
    ("read", "text", "part"),
    [
        (RunConfig.from_json, "{", "settings are not JSON"),
        (RunConfig.from_json, "[1]", "expected a JSON mapping of settings, got list"),
        (RunConfig.from_yaml, "a: [\nb", "settings are not YAML"),
        (RunConfig.from_yaml, "", "expected a YAML mapping of settings, got NoneType"),
        (RunConfig.from_yaml, "3: 4", "unknown setting '3'"),
    ],
)
def test_text_that_holds_no_settings(read, text, part):
    with pytest.raises(SettingsError, match=r".") as error:
        read(text)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_settings_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot read settings"):
        RunConfig.from_file(tmp_path / "none.yaml")


def test_every_setting_has_help_and_a_valid_default():
    known = settings()
    assert {setting.name for setting in known} == set(RunConfig.model_fields)
    assert RunConfig(**{setting.name: setting.default for setting in known}) == RunConfig()
    for setting in known:
        assert setting.help
        assert setting.help == setting.help.strip().rstrip(".")
        assert setting.expected.startswith(("one of", "an integer", "a number", "true", "text"))


def test_settings_come_in_groups_with_their_bounds():
    known = {setting.name: setting for setting in settings()}
    groups = list(dict.fromkeys(setting.group for setting in settings()))
    assert groups == [
        "Data", "Tokens", "Model", "Recurrent layers", "Convolutional and Transformer layers",
        "Adapters", "Training", "Search", "Run",
    ]  # fmt: skip
    assert (known["units"].kind, known["units"].low, known["units"].high) == (int, 1, 4096)
    assert known["units"].excluded == ()
    assert known["dropout"].excluded == ("high",)
    assert known["validation_share"].excluded == ("low", "high")
    assert known["max_minutes"].high is None
    assert known["encoder"].choices == ("rnn", "lstm", "gru", "cnn", "transformer")
    assert known["encoder"].kind is str
    assert known["live"].expected == "true or false"


SEGMENTS = {"decoder": "transformer", "positions": "relative", "units": 64, "max_length": 4096}
AGREEING = {  # what a setting or one of its choices needs beside it
    "bidirectional_layers": {"layers": 16, "bidirectional": True},
    "segment": SEGMENTS,
    "segment_memory": {**SEGMENTS, "segment": 4},
    "heads": {"decoder": "transformer", "units": 64},
    "stochastic_depth": {"residual": True, "layers": 2},
    "multi_step": {"decoder": "cnn"},
    "multi_head": {"decoder": "transformer"},
    "lora": {"adapt_from": "runs/first"},
    "bottleneck": {"adapt_from": "runs/first"},
    "beam_groups high": {"beam_width": 64, "diversity": 0.5},
    "diversity high": {"beam_width": 4, "beam_groups": 2},
    "hypotheses": {"beam_width": 64},
    "min_decode_length": {"max_decode_length": 4096},
}


def test_another_family_of_decoder_brings_its_own_attention():
    assert RunConfig(decoder="transformer").attention == "multi_head"
    assert RunConfig(decoder="gru").attention == "additive"
    dot = RunConfig(attention="dot")
    assert dot.replace(decoder="gru").attention == "dot"
    assert dot.replace(decoder="cnn").attention == "multi_step"
    assert dot.replace(decoder="cnn").replace(decoder="lstm").attention == "additive"


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.name)
def test_the_bounds_shown_are_the_bounds_kept(setting):
    sound = {
        "units": 2, "optimizer": "sgd", "validation_share": 0.01, "test_share": 0.01,
        **AGREEING.get(setting.name, {}),
    }  # fmt: skip
    for bound in ("low", "high"):
        sound |= AGREEING.get(f"{setting.name} {bound}", {})
        limit = getattr(setting, bound)
        if limit is None:
            continue
        beyond = limit + (1 if bound == "high" else -1)
        assert setting.name in message(**{setting.name: beyond})
        if bound in setting.excluded:
            assert setting.name in message(**{setting.name: limit})
        else:
            RunConfig(**{"bidirectional": False, **sound, setting.name: limit})
    for choice in setting.choices:
        agreeing = AGREEING.get(choice, AGREEING.get(setting.name, {}))
        assert getattr(RunConfig(**{**agreeing, setting.name: choice}), setting.name) == choice


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().units = 3


def test_training_pairs_are_named_once():
    with pytest.raises(SettingsError, match=r"corpus is 'a.tsv' and train_file is 'b.tsv'"):
        RunConfig(corpus="a.tsv", train_file="b.tsv")
    with pytest.raises(SettingsError, match="give train_file as well"):
        RunConfig(validation_file="dev.tsv")
    assert RunConfig(corpus="scan", test_file="mine.tsv").test_file == "mine.tsv"


def test_interventions_are_held_as_json_wherever_they_came_from(tmp_path):
    items = [{"kind": "force", "prefix": ["le"], "token": "chat"}, {"kind": "ban", "token": "a"}]
    text = json.dumps(items)
    path = tmp_path / "done.json"
    path.write_text(text)
    for given in (text, path, str(path), items, tuple(items)):
        assert json.loads(RunConfig(interventions=given).interventions) == items
    config = RunConfig(interventions=path)
    path.unlink()
    assert RunConfig.from_json(config.to_json()) == config
    for nothing in ("", "[]", [], ()):
        assert RunConfig(interventions=nothing).interventions == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("force it", "interventions: expected interventions as JSON or the path of a .json file"),
        ([{"kind": "ban"}], "interventions: item 1: token: is missing"),
        ("nowhere.json", "interventions: nowhere.json: cannot read interventions"),
        (7.5, "interventions: expected text, got 7.5"),
    ],
)
def test_what_are_no_interventions_is_refused(given, said):
    assert message(interventions=given).startswith(said)


def test_interventions_steer_a_search_of_any_kind_but_no_samples():
    given = '[{"kind": "ban", "token": "a"}]'
    told = message(interventions=given, temperature=0.5)
    assert told.startswith("temperature is 0.5 and there are interventions")
    assert told.endswith("set temperature=0")
    for more in (
        {"prefix": "a"}, {"no_repeat_ngram": 2}, {"min_decode_length": 3},
        {"beam_groups": 5, "diversity": 0.5},
    ):  # fmt: skip
        config = RunConfig(interventions=given, **more)
        assert config.differences() == {"interventions": config.interventions, **more}


@pytest.mark.parametrize(
    ("given", "held"),
    [("", ""), ("wandb", "wandb"), (" mlflow ,tensorboard,mlflow,", "mlflow, tensorboard")],
)
def test_logs_are_names_with_commas_between(given, held):
    assert RunConfig(log_to=given).log_to == held


def test_a_log_that_does_not_exist_is_refused():
    told = message(log_to="tensorboard, wanda")
    assert told == (
        "log_to: expected tensorboard, wandb, mlflow or several of them with commas between, "
        "got 'wanda'; did you mean 'wandb'?"
    )
