"""Make the demo voice from Debian's recordings of Allison Smith: `python recipes/demo_voice/make.py`.

The same package always gives the same samples: G.722 and FLAC hold 16-bit integers, and nothing is scaled or resampled.
"""

import argparse
import csv
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

HERE = Path(__file__).parent
DEMO_VOICE = HERE.parents[1] / "src" / "escuta" / "data" / "demo_voice"

PACKAGE = "asterisk-core-sounds-en-g722"
VERSION = "1.6.1-1"
PACKAGE_SHA256 = "38c5261820b406dcb0ecb37675720da2b0864850690690352ca52707eb623806"
SOUNDS = Path("usr/share/asterisk/sounds/en_US_f_Allison")
COPYRIGHT = Path("usr/share/doc") / PACKAGE / "copyright"
LICENSE_NAME = "Creative Commons Attribution-ShareAlike 3.0 United States"
LICENSE_URL = "https://creativecommons.org/licenses/by-sa/3.0/us/"

SAMPLE_RATE = 16000  # of G.722
FRAME = SAMPLE_RATE // 100  # the level is measured every 10 ms
SPEECH_DB = -50.0  # full scale is 0; the pauses of these recordings lie near -80, their softest word ends near -45
MARGIN_SECONDS = 0.15  # of silence kept at each end, where the recording has as much


@dataclass(frozen=True, slots=True)
class Cut:
    """One line of clips.tsv: a part of a prompt and what is said in it."""

    id: str
    source: str
    start_seconds: str
    end_seconds: str
    text: str

    @property
    def samples(self) -> slice:
        """The part as sample indices; an empty bound reaches to that end of the prompt."""
        bounds = (self.start_seconds, self.end_seconds)
        return slice(*(round(float(bound) * SAMPLE_RATE) if bound else None for bound in bounds))

    @property
    def row(self) -> str:
        """The part as a line of the attribution's table."""
        part = f"{self.start_seconds or 'start'} to {self.end_seconds or 'end'}" if self.is_part else "whole"
        return f"| {self.id} | {self.source} | {part} |"

    @property
    def is_part(self) -> bool:
        """Whether anything but silence was cut from the prompt."""
        return bool(self.start_seconds or self.end_seconds)


def main() -> None:
    """Fetch the package unless it is given, and write the folder."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--deb", type=Path, help="the Debian package; fetched when left out")
    arguments.add_argument("--out", type=Path, default=DEMO_VOICE, help="the folder to write")
    chosen = arguments.parse_args()

    with (HERE / "clips.tsv").open(encoding="utf-8", newline="") as file:
        cuts = [Cut(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = unpack(chosen.deb or fetch(Path(scratch)), Path(scratch) / "root")
        write_clips(cuts, unpacked / SOUNDS, chosen.out)
        write_words(cuts, unpacked / COPYRIGHT, chosen.out)


def fetch(folder: Path) -> Path:
    """Download the package into `folder`."""
    subprocess.run(["apt-get", "download", "--quiet", f"{PACKAGE}={VERSION}"], cwd=folder, check=True)
    return next(folder.glob("*.deb"))


def unpack(deb: Path, root: Path) -> Path:
    """Unpack the package below `root` without installing it; another package than ours is refused."""
    found = hashlib.sha256(deb.read_bytes()).hexdigest()
    if found != PACKAGE_SHA256:
        raise SystemExit(f"{deb.name}: SHA-256 is {found}; expected {PACKAGE_SHA256}. Get {PACKAGE} {VERSION}.")
    subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
    return root


def write_clips(cuts: list[Cut], sounds: Path, out: Path) -> None:
    """Decode, cut and trim every clip, and print how much there is and the digest of all samples."""
    (out / "wavs").mkdir(parents=True, exist_ok=True)
    for stale in (out / "wavs").glob("*.flac"):
        stale.unlink()
    digest, num_samples = hashlib.sha256(), 0
    for cut in cuts:
        clip_T = trim(decode(sounds / f"{cut.source}.g722")[cut.samples])
        sf.write(out / "wavs" / f"{cut.id}.flac", clip_T, SAMPLE_RATE, subtype="PCM_16")
        digest.update(clip_T.tobytes())
        num_samples += clip_T.size
    print(f"{len(cuts)} clips, {num_samples / SAMPLE_RATE:.1f} s\n{digest.hexdigest()}")


def decode(path: Path) -> np.ndarray:
    """Decode a whole prompt to 16-bit integers [T]."""
    command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", str(path), "-f", "s16le", "-"]
    return np.frombuffer(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, dtype="<i2")


def trim(wav_T: np.ndarray) -> np.ndarray:
    """Shorten the silence at both ends to `MARGIN_SECONDS`."""
    frames = wav_T[: wav_T.size // FRAME * FRAME].reshape(-1, FRAME) / 2**15
    speech = np.flatnonzero((frames**2).mean(axis=1) > 10 ** (SPEECH_DB / 10))
    margin = round(MARGIN_SECONDS * SAMPLE_RATE)
    return wav_T[max(0, speech[0] * FRAME - margin) : (speech[-1] + 1) * FRAME + margin]


def write_words(cuts: list[Cut], copyright_file: Path, out: Path) -> None:
    """Write the manifest, the licence as the package has it, and who is to be thanked."""
    (out / "metadata.csv").write_text("".join(f"{cut.id}|{cut.text}\n" for cut in cuts), encoding="utf-8")
    (out / "LICENSE.txt").write_text(license_text(copyright_file.read_text(encoding="utf-8")), encoding="utf-8")
    template = (HERE / "attribution.md").read_text(encoding="utf-8")
    attribution = template.format(
        package=PACKAGE,
        version=VERSION,
        num_clips=len(cuts),
        num_parts=sum(cut.is_part for cut in cuts),
        margin_seconds=MARGIN_SECONDS,
        table="\n".join(cut.row for cut in cuts),
    )
    (out / "ATTRIBUTION.md").write_text(attribution, encoding="utf-8")


def license_text(debian_copyright: str) -> str:
    """The full legal text out of the package's copyright file, below its name and address."""
    body = debian_copyright.split("\n\nLicense: CC-BY-SA-3.0\n")[1].split("\n\nLicense: ")[0]
    lines = ("" if line.strip() == "." else line.removeprefix(" ") for line in body.splitlines())
    return f"{LICENSE_NAME}\n{LICENSE_URL}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
