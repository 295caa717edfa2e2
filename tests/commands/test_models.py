"""What `latent-loom models` says of each model: terms in a word, its one figure, and the whole card for scripts."""

from __future__ import annotations

from engine.checkpoints.model_file import ModelHeader, save_model
from tests.commands.answers import one_object
from tests.contract.tiny import make, tiny_config

CARD = {
    "licence": "research only",
    "headline": "24.5 dB",
    "terms": "Trained on\nsome pictures.",
    "figures": {"test": {"psnr_db": {"mean": 24.5}}},
    "heldout_bits_per_dim": [1.0, 2.0],
}


def saved(home, title, card):
    header = ModelHeader("vae", tiny_config("vae"), (3, 16, 16), title=title, card=card)
    save_model(home / "models" / f"{title}.safetensors", make("vae").eval(), header)


def test_a_card_is_told_in_a_line_and_whole_in_json(call, home):
    saved(home, "Carded", CARD)
    row = next(r for r in one_object(call("models", "--json"))["models"] if r["name"] == "Carded")
    assert (row["licence"], row["headline"], row["terms"]) == ("research only", "24.5 dB", "Trained on some pictures.")
    assert row["card"]["figures"] == CARD["figures"]
    assert "heldout_bits_per_dim" not in row["card"]
    _, out, _ = call("models")
    line = next(line for line in out.splitlines() if line.startswith("Carded"))
    assert line.endswith("research only  24.5 dB")


def test_a_strange_card_spoils_neither_the_list_nor_its_json(call, home):
    saved(home, "Strange", {"licence": ["x"], "headline": "a\x1b[31m\nb" + "c" * 9000, "figures": {"x": float("nan")}})
    row = next(r for r in one_object(call("models", "--json"))["models"] if r["name"] == "Strange")
    assert row["licence"] == ""
    assert row["headline"].startswith("a[31m b")
    assert len(row["headline"]) <= 500
    assert row["card"] == {}
    _, out, _ = call("models")
    assert "\x1b" not in out
    assert sum(line.startswith("Strange") for line in out.splitlines()) == 1
