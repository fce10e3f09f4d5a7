"""Wide and narrow wells: which of them momentum passes, and in which it settles."""

import numpy as np
from scipy.stats import binomtest, bootstrap

from molopt.landscapes import surfaces
from molopt.landscapes.chart import Chart, Series, SurfaceMap
from molopt.landscapes.embeddings import SAME, Ends, embedded, relaxed_alike
from molopt.landscapes.experiment import Experiment, Number, Outcome
from molopt.landscapes.surface import Surface
from molopt.landscapes.track import follow
from molopt.rules.partition import Array

MEMORIES = (0.0, 0.9, 0.98, 0.985, 0.9875, 0.99, 0.995)  # b1 of the heavy ball
LR = 0.004  # A^2/eV: a third of what the narrow well stands at b1 = 0, so that none is passed for being too stiff
STARTS, FAR = 200, 2.2  # between -FAR and FAR, A
CENTRES, WIDTHS, BOWL = np.array([-0.8, 0.8]), np.array([0.08, 0.5]), 0.05  # those of surfaces.double_well
SETTLING = 8  # times 1 / (1 - b1): calls after which a ball has lost what it had above the barrier
FEWEST = 400  # calls
DIOL = "OCCCO"  # 1,3-propanediol, whose lowest minima have a hydrogen bond
EMBEDDINGS = 100  # by distance geometry alone: torsion by chance, so that they lie high above the minima
TEXTS = {  # what runs, with its force calls
    "gradient descent": ("gradient-descent?lr=0.01&control=none&maxstep=0.1", 300),
    "heavy ball, b1 0.9": ("heavy-ball?lr=0.01&b1=0.9&control=none&maxstep=0.1", 300),
    "heavy ball, b1 0.97": ("heavy-ball?lr=0.01&b1=0.97&control=none&maxstep=0.1", 400),
    "heavy ball, b1 0.99": ("heavy-ball?lr=0.01&b1=0.99&control=none&maxstep=0.1", 800),
    "Adam": ("adam", 300),
    "default": ("default", 300),
}
PLAIN, HEAVY = "gradient descent", "heavy ball, b1 0.99"
CHANCE = 0.05  # below this p a sign test is called significant


def energies(x: Array) -> Array:
    """(n,) eV at places on the line through both wells (n,)."""
    away = x[:, None] - CENTRES
    return np.asarray(0.5 * BOWL * x * x - np.exp(-0.5 * (away / WIDTHS) ** 2).sum(axis=1))


def slopes(x: Array) -> Array:
    """(n,) eV/A."""
    away = x[:, None] - CENTRES
    return np.asarray(BOWL * x + (away / WIDTHS**2 * np.exp(-0.5 * (away / WIDTHS) ** 2)).sum(axis=1))


def barrier() -> float:
    """The top between the wells, A."""
    between = np.linspace(CENTRES[0], CENTRES[1], 20_001)
    return float(between[energies(between).argmax()])


def share_of_actions() -> float:
    """Of the wide well: the integral of sqrt(2 (E_top - E)) over it, in that over both."""
    x, step = np.linspace(-FAR, FAR, 40_001, retstep=True)
    speed = np.sqrt(2 * np.maximum(energies(np.array([barrier()])) - energies(x), 0))
    parts = [float(speed[side].sum() * step) for side in (x < barrier(), x > barrier())]
    return parts[1] / sum(parts)


def model(seed: int) -> Outcome:
    import molopt

    starts = np.random.default_rng(seed).uniform(-FAR, FAR, STARTS)
    wide = {b1: ended_wide(starts, b1) for b1 in MEMORIES}
    averaged = ended_wide(starts, 0.99, averaged=True)
    rolled = {b1: rolled_wide(starts, b1) for b1 in MEMORIES}
    shares = {b1: float(those.mean()) for b1, those in wide.items()}
    plain, heavy = wide[MEMORIES[0]], wide[MEMORIES[-1]]
    changed = plain != heavy
    chance = binomtest(int((heavy & changed).sum()), int(changed.sum())).pvalue if changed.any() else 1.0
    basin = float((starts > barrier()).mean())
    action = share_of_actions()
    surface = surfaces.double_well().at([-2.0, 0.0])
    tracks = [
        follow(surface, molopt.HeavyBall, 500, "heavy ball, b1 0.9", lr=LR, b1=0.9, control=None),
        follow(surface, molopt.HeavyBall, 1000, "heavy ball, b1 0.99", "heavy-ball", lr=LR, b1=0.99, control=None),
    ]
    return Outcome(
        (
            SurfaceMap(
                "A narrow and a wide well, equally deep",
                surface,
                tracks,
                caption=f"lr {LR} Å²/eV, no control, both from the same place.",
            ),
            chart_of_shares(shares, rolled, basin, action),
        ),
        [
            Number("share that ends wide, gradient descent", shares[0.0], basin, 0.02),
            *(Number(f"share that ends wide, b1 {b1:g}", shares[b1], rolled[b1], 0.08) for b1 in MEMORIES[1:]),
            Number("share that ends wide by the actions of both wells", shares[MEMORIES[-1]], action, 0.1),
            Number("where b1 0.9 ends on the map, x", float(tracks[0].x[-1, 0]), float(CENTRES[0]), 0.1, unit="Å"),
            Number("where b1 0.99 ends on the map, x", float(tracks[1].x[-1, 0]), float(CENTRES[1]), 0.1, unit="Å"),
            Number("p that b1 0.995 and gradient descent end wide alike", chance, most=CHANCE),
            Number("share that ends wide, averaged momentum, b1 0.99", float(averaged.mean()), basin, 0.02),
        ],
        f"The share that ends in the wide well grows from {shares[0.0]:.2f}, that of its basin, to "
        f"{shares[MEMORIES[-1]]:.2f} at b1 {MEMORIES[-1]:g}, and not before b1 "
        f"{min((b1 for b1 in MEMORIES if shares[b1] > shares[0.0]), default=1):g}: only a ball with little friction "
        "passes the narrow well.",
    )


def in_line(starts: Array) -> Surface:
    """A point on the line through both wells for each start; they know nothing of each other."""
    return Surface("double wells", lambda x: float(energies(x).sum()), slopes, starts)


def calls_until_settled(b1: float) -> int:
    return max(FEWEST, int(SETTLING / (1 - b1)))


def ended_wide(starts: Array, b1: float, averaged: bool = False) -> Array:
    """(n,) whether each start ends on the side of the wide well."""
    import molopt

    make = molopt.Momentum if averaged else molopt.HeavyBall
    track = follow(in_line(starts), make, calls_until_settled(b1), lr=LR, b1=b1, control=None)
    return np.asarray(track.x[-1] > barrier())


def rolled_wide(starts: Array, b1: float) -> float:
    """The share of starts that end wide where a ball of mass one rolls with friction gamma = (1 - b1) / sqrt(lr)."""
    from scipy.integrate import solve_ivp

    friction = (1 - b1) / np.sqrt(LR)

    def motion(_: float, state: Array) -> Array:
        x, speed = np.split(state, 2)
        return np.concatenate([speed, -friction * speed - slopes(x)])

    state = np.concatenate([starts, np.zeros(starts.size)])
    ends = solve_ivp(motion, (0, calls_until_settled(b1) * np.sqrt(LR)), state, rtol=1e-4, atol=1e-5)
    return float((ends.y[: starts.size, -1] > barrier()).mean())


def chart_of_shares(shares: dict[float, float], rolled: dict[float, float], basin: float, action: float) -> Chart:
    long = [1 / (1 - b1) for b1 in MEMORIES]
    bars = [binomtest(round(share * STARTS), STARTS).proportion_ci(method="wilson") for share in shares.values()]
    return Chart(
        "Where the heavy ball settles",
        "1 / (1 - b1)",
        "share that ends in the wide well",
        [
            Series(
                "heavy ball",
                long,
                list(shares.values()),
                "points",
                "heavy-ball",
                low=[bar.low for bar in bars],
                high=[bar.high for bar in bars],
            ),
            Series("a ball that rolls with friction", long, list(rolled.values()), "theory"),
            Series("share of starts in its basin", [long[0], long[-1]], [basin] * 2, "theory"),
            Series("its share of the actions", [long[0], long[-1]], [action] * 2, "theory"),
        ],
        "x",
        f"{STARTS} starts by chance between -{FAR} and {FAR} Å on the line through both wells; 95 % intervals "
        f"(Wilson). lr {LR} Å²/eV.",
    )


def molecule(seed: int) -> Outcome:
    import molopt

    diol = molopt.Molecule.from_smiles(DIOL)
    ends, minima = relaxed_alike(diol, embedded(diol, EMBEDDINGS, seed), TEXTS)
    plain = ends[PLAIN]
    names = [name for name in TEXTS if name != PLAIN]
    moved = {name: np.abs(ends[name].energies - plain.energies) > SAME for name in names}
    wider = {name: (ends[name].widths > plain.widths)[moved[name]] for name in names}
    lower = {name: (ends[name].energies < plain.energies)[moved[name]] for name in names}
    p_wider, p_lower = chance_of(wider[HEAVY]), chance_of(lower[HEAVY])
    numbers = [
        Number(f"ends of {EMBEDDINGS} that are not gradient descent's: {name}", float(moved[name].sum()))
        for name in names
    ]
    numbers += [
        Number("share of these that are wider, b1 0.99", float(wider[HEAVY].mean()), least=0.5),
        Number("p of that, if it were chance (width)", p_wider, most=CHANCE),
        Number("share of these that are lower, b1 0.99", float(lower[HEAVY].mean())),
        Number("p of that, if it were chance (energy)", p_lower),
        Number(
            "correlation of energy and width, over all minima", float(np.corrcoef(minima.energies, minima.widths)[0, 1])
        ),
    ]
    return Outcome((chart_of_differences(ends, seed), chart_of_minima(minima)), numbers, verdict(moved, wider, lower))


def chance_of(signs: Array) -> float:
    """The p of a two-sided sign test; 1 where there are none."""
    return float(binomtest(int(signs.sum()), signs.size).pvalue) if signs.size else 1.0


def verdict(moved: dict[str, Array], wider: dict[str, Array], lower: dict[str, Array]) -> str:
    """What momentum does to the ends, from the tests of significance."""
    said = f"With b1 0.99 {moved[HEAVY].sum()} of {EMBEDDINGS} embeddings end in another basin than gradient descent's"
    kinds = []
    for signs, more, less in ((lower[HEAVY], "lower", "higher"), (wider[HEAVY], "wider", "narrower")):
        word, share = (more, signs.mean()) if signs.mean() > 0.5 else (less, 1 - signs.mean())
        sure = chance_of(signs)
        kinds.append(f"{100 * share:.0f} % of them {word} (p {sure:.1g}{'' if sure < CHANCE else ', not significant'})")
    usual = [name for name in moved if name != HEAVY]
    most = max(int(moved[name].sum()) for name in usual)
    return f"{said}: {' and '.join(kinds)}. All other optimizers change at most {most}."


def chart_of_differences(ends: dict[str, Ends], seed: int) -> Chart:
    """Mean differences of all ends from those of gradient descent, with bootstrapped intervals."""
    names = [name for name in TEXTS if name != PLAIN]
    places = np.arange(len(names))
    series = []
    for label, unit, values in (
        ("width: ln of the volume at one temperature", 1.0, [ends[name].widths - ends[PLAIN].widths for name in names]),
        ("energy, in 0.1 eV", 10.0, [ends[name].energies - ends[PLAIN].energies for name in names]),
    ):
        bars = [interval(unit * one, seed) for one in values]
        means = [float(unit * one.mean()) for one in values]
        low, high = zip(*bars, strict=True)
        series.append(Series(label, places, means, "points", low=low, high=high))
    series.append(Series("as gradient descent", [0, len(names) - 1], [0.0, 0.0], "theory"))
    return Chart(
        "1,3-propanediol: ends of the same embeddings, less those of gradient descent",
        "",
        "mean difference",
        series,
        caption=f"MMFF94, {EMBEDDINGS} embeddings by distance geometry; 95 % intervals (bootstrap over embeddings). "
        "Rules run in Cartesian coordinates with lr 0.01 Å²/eV, without control; Adam and the default with theirs.",
        ticks=names,
    )


def interval(differences: Array, seed: int) -> tuple[float, float]:
    """95 % of the mean."""
    if not np.ptp(differences):
        return float(differences[0]), float(differences[0])
    found = bootstrap((differences,), np.mean, n_resamples=2000, method="percentile", rng=seed)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def chart_of_minima(minima: Ends) -> Chart:
    slope, offset = np.polyfit(minima.energies, minima.widths, 1)
    ends = np.array([minima.energies.min(), minima.energies.max()])
    return Chart(
        "1,3-propanediol: energy and width of its minima",
        "energy (eV)",
        "-½ ln det of the mass-weighted Hessian",
        [
            Series("minima", minima.energies, minima.widths, "points"),
            Series("straight line", ends, slope * ends + offset, "theory"),
        ],
        caption="Low minima are narrow: hydrogen bonds hold them.",
    )


EXPERIMENT = Experiment(
    "wide-and-narrow",
    "Wide and narrow wells",
    "High momentum passes narrow wells and settles in wide ones.",
    "With little friction the heavy ball is a ball of mass one in the time t √lr, slowed by friction gamma = (1 - "
    "b1) / √lr. On its way over a well it loses about gamma S, where S is the integral of √(2 (E_top - E)) over the "
    "well. It passes if it has more than that above the barrier: by S, which grows with the width and with the root "
    "of the depth. In the end each well holds its share of S, where gradient descent gives it its basin. So a deep "
    "well is as good as a wide one.",
    model,
    molecule,
    (
        "B. T. Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964)",
        "N. S. Keskar et al., On large-batch training for deep learning, arXiv 1609.04836 (2016): of wide minima",
        "A. I. Neishtadt, J. Appl. Math. Mech. 39, 594 (1975): probabilities of capture",
    ),
)
