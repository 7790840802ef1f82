"""Every word of the page that its script writes, in the language of whoever made the page."""

from escuta.messages import _


def language() -> str:
    """The language of the page, as HTML names it."""
    # translators: the language of the page, as HTML names it
    return _("en")


def texts() -> dict[str, str]:
    """The words by the keys that the script knows them by; {names} stay."""
    return {
        "about": _("About this run"),
        "about_named": _("About {name}"),
        "against_base": _("against the base"),
        "base": _("base model"),
        "blind": _("Blind test"),
        "best_by_loss": _("lowest val_loss"),
        "best_by_score": _("best by score"),
        "best_column": _("best: {title}"),
        "best_loss_is": _("{title} has the lowest val_loss."),
        "best_score_is": _("{title} is the best by score."),
        "better_than_base": _("Better than the base beyond the noise: {scores}."),
        "cannot_play": _("{file} cannot be played."),
        "curve": _("{label}: {n} points, first {first}, last {last}"),
        "curves": _("Curves"),
        "cut": _("cut at the limit"),
        "cut_short": _("cut off"),
        "data": _("Problems of the data ({n})"),
        "deck": _("Player"),
        "file_missing": _("The file is missing."),
        "go_best_loss": _("Lowest val_loss"),
        "go_best_score": _("Best by score"),
        "go_last": _("Last"),
        "heard_all": _("every word."),
        "heard_of": _("Heard in {title}:"),
        "higher_is_better": _("higher is better"),
        "hold": _("Hold as A"),
        "is_better": _("better"),
        "is_same": _("no difference beyond the noise"),
        "is_worse": _("worse"),
        "keys": _("space plays · 1 A · 2 B · ← → checkpoints · A holds · L repeats"),
        "loop": _("Repeat"),
        "loss": _("Loss"),
        "lower_is_better": _("lower is better"),
        "measured_by": _("What measured the scores"),
        "missing": _("Samples are missing. Once training has ended, this makes them:"),
        "more_scores": _("Further scores ({n})"),
        "no_loss": _("No loss is known yet."),
        "no_samples": _("Nothing was spoken yet."),
        "not_in_run": _("Not in this run."),
        "not_spoken": _("not spoken"),
        "nothing_here": _("nothing yet"),
        "numbers_of": _("Scores of {title}"),
        "pause": _("Pause"),
        "play": _("Play"),
        "position": _("{at} of {of} s"),
        "position_name": _("Position"),
        "press_play": _("The browser wants a click first: press play."),
        "real_clips": _("real clips"),
        "reference": _("Reference"),
        "reference_is": _("The voice that is cloned: {file}"),
        "running": _("training goes on"),
        "same_as_base": _("Not to be told from the base: {scores}."),
        "samples": _("Samples"),
        "score": _("score"),
        "seconds": _("{n} s"),
        "seed_of": _("With seed {n}"),
        "seeds": _("seeds"),
        "settings": _("Settings ({n})"),
        "short_errors": _("errors"),
        "short_natural": _("natural"),
        "short_voice": _("voice"),
        "spread": _("noise"),
        "spread_means": _(
            "Noise is how much the score of a sentence differs from seed to seed (standard deviation). Real clips are "
            "held-out recordings of the speaker: what a perfect clone would score."
        ),
        "timeline": _("Checkpoint"),
        "worse_than_base": _("Worse than the base beyond the noise: {scores}."),
    }
