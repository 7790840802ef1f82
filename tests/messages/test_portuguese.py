import gettext
import re
from pathlib import Path
from string import Formatter

import pytest
from tools.messages import PORTUGUESE, SOURCE, extracted, read, untranslated

from escuta.sampling.job import SampleJob, SampleResult
from escuta.sampling.narration import announce, describe

EXPECTED = {message.id for message in extracted(SOURCE) if message.id}
CATALOG = read(PORTUGUESE)
MESSAGES = [message for message in CATALOG if message.id]
AGAIN = "Run: make messages"

OF_THE_GUIDE = """
💾 Checkpoint salvo: checkpoint_epoch_1.pt
🧹 Liberando VRAM para geração de samples...
   ✅ Modelo de treinamento movido para CPU
   📝 Texto do metadata: 'ah, agora eu estou me ouvindo na tv...'
   Época: 1
   Referência: audio_00001.wav
   🚀 Iniciando subprocesso...
📥 Carregando XTTS em CPU...
🔊 Sintetizando áudio em CPU...
    > Processing time: 42.8s
    > Real-time factor: 2.54x
   ✅ Sample gerado: epoch_1_output.wav
   ✅ Referência copiada: epoch_1_reference.wav
📥 Recarregando modelo de treinamento...
   ✅ Modelo de treinamento restaurado na GPU
"""


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> list[tuple[str, str | None, str | None]]:
    return sorted((name, spec, conversion) for _text, name, spec, conversion in Formatter().parse(text) if name)


def test_every_message_of_the_source_is_in_the_catalogue_and_no_other():
    assert {message.id for message in MESSAGES} == EXPECTED, AGAIN
    assert len(EXPECTED) > 200


def test_every_message_is_translated():
    assert untranslated(CATALOG) == [], AGAIN


def test_the_compiled_catalogue_is_up_to_date():
    with PORTUGUESE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in MESSAGES:
        if isinstance(message.id, str):
            assert compiled.gettext(message.id) == message.string, AGAIN
        else:
            singular, plural = message.id
            found = [compiled.ngettext(singular, plural, count) for count in (0, 1, 2)]
            assert found == [message.string[0], *message.string], AGAIN


def test_a_translation_has_the_placeholders_and_the_shape_of_its_source():
    def shape(text: str) -> tuple[object, ...]:
        beginning, end = re.match(r"[^\w{(']*", text), re.search(r"[\s.:]*$", text)
        return placeholders(text), beginning and beginning[0], end and end[0], "\n" in text

    pairs = [(source, text) for one in MESSAGES for source, text in zip(forms(one.id), forms(one.string), strict=True)]
    assert [text for source, text in pairs if shape(text) != shape(source)] == []


@pytest.mark.parametrize("line", OF_THE_GUIDE.strip("\n").splitlines())
def test_the_lines_of_the_guide_come_out_as_in_the_guide(line):
    def pattern(template: str) -> str:
        return "".join(
            re.escape(text) + (".+" if name else "") for text, name, _spec, _conversion in Formatter().parse(template)
        )

    found = [text for message in MESSAGES for text in forms(message.string) if re.fullmatch(pattern(text), line)]
    assert [text for text in found if not text.startswith("{")]


@pytest.fixture
def job() -> SampleJob:
    return SampleJob(
        name="epoch_1",
        epoch=1,
        step=20,
        checkpoint=Path("checkpoint_epoch_1.pt"),
        folder=Path("samples"),
        best=False,
        sentences=("ah, agora eu estou me ouvindo na tv",),
        reference=Path("wavs/audio_00001.wav"),
        language="pt",
    )


def test_a_sample_of_the_guides_way_is_narrated_as_in_the_guide(monkeypatch, job):
    monkeypatch.setenv("ESCUTA_LANG", "pt_BR")
    result = SampleResult(
        name="epoch_1",
        epoch=1,
        step=20,
        status="spoken",
        mode="isolated",
        seconds=42.8,
        audio_seconds=16.85,
        files=("epoch_1_output.wav",),
    )

    assert [*announce(job, mode="isolated", device="cpu", from_dataset=True), *describe(result, Path("samples"))] == [
        "   📝 Texto do metadata: 'ah, agora eu estou me ouvindo na tv'",
        "🎤 Gerando sample de áudio (subprocesso CPU)...",
        "   Época: 1",
        "   Referência: audio_00001.wav",
        "   🚀 Iniciando subprocesso...",
        "    > Processing time: 42.8s",
        "    > Real-time factor: 2.54x",
        "   ✅ Sample gerado: epoch_1_output.wav",
        "   ✅ Referência copiada: epoch_1_reference.wav",
    ]


@pytest.mark.parametrize("mode", ["background", "isolated", "inline"])
def test_the_words_that_the_guide_greps_for_are_there_in_every_mode(monkeypatch, job, mode):
    monkeypatch.setenv("ESCUTA_LANG", "pt_BR")
    failure = SampleResult.unspoken(job, mode=mode, status="failed", reason="sem memória")

    announced = announce(job, mode=mode, device="cpu", from_dataset=True)

    assert len([line for line in announced if "Gerando sample" in line]) == 1
    assert describe(failure, Path("samples")) == ["❌ Erro ao gerar sample epoch_1: sem memória"]
