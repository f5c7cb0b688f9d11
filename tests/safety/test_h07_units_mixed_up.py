"""H07: a unit or a reference range is mixed up."""

from __future__ import annotations

from carerecord.settings import Settings
from tests.safety.reading import Part
from tests.safety.ward import JOAN, PATHOLOGY, ROYAL, Sender, but, found, open_ward, order, section, wrote

GLUCOSE, CREATININE = "GLU^Glucose", "CREA^Creatinine"


def report(
    number: str,
    *results: str,
    taken: str,
    by: Sender = PATHOLOGY,
    battery: str = "BIO^Biochemistry",
    of: str = "SER^Serum",
) -> bytes:
    about = but(JOAN, number=f"{by.authority}-1")
    return wrote("ORU^R01", order(number, battery, taken=taken, of=of), *results, by=by, about=about, at=taken + "00")


def rows(page: Part) -> list[tuple[str, str, list[str]]]:
    """(the test with what is beside its name, its laboratory, its values) of each line of results."""
    read = []
    results = section(page, "results")
    folded = results.all(".cr-more", ".cr-table--results")
    newest = [table for table in results.all(".cr-table--results") if table not in folded]
    for title, table in zip(results.all("h3"), newest, strict=True):
        for row in table.all("tbody", "tr"):
            read.append((row.one("th").words, title.one(".cr-origin").words, row.words_of("b")))
    return sorted(read)


async def test_values_in_different_units_are_never_on_one_line_nor_in_one_picture(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report("1", found(GLUCOSE, "5.4", "mmol/L", "3.0-7.8"), taken="202611010800"),
            report("2", found(GLUCOSE, "97", "mg/dL", "54-140"), taken="202611020800"),
            report("3", found(GLUCOSE, "5.9", "mmol/L", "3.0-7.8"), taken="202611030800"),
            report("4", found(GLUCOSE, "6", "", ""), taken="202611040800"),
        )
        page = await ward.summary()
        assert [(about, values) for about, _, values in rows(page)] == [
            ("Glucose 3.0-7.8 mmol/L · Serum", ["5.9", "5.4"]),
            ("Glucose 54-140 mg/dL · Serum", ["97"]),
            ("Glucose Serum", ["6"]),
        ]
        pictures = [row.all("svg") for row in section(page, "results").all(".cr-table--results", "tbody", "tr")]
        assert sorted(len(found_) for found_ in pictures) == [0, 0, 1]


async def test_the_same_test_of_two_laboratories_is_two_lines_each_with_its_range(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report("1", found(CREATININE, "104", "umol/L", "45-84"), taken="202611010800"),
            report("2", found(CREATININE, "104", "umol/L", "60-110"), taken="202611020800", by=ROYAL),
        )
        assert rows(await ward.summary()) == [
            ("Creatinine 45-84 umol/L · Serum", "NEL Pathology", ["104"]),
            ("Creatinine 60-110 umol/L · Serum", "Royal Free", ["104"]),
        ]


async def test_two_laboratories_behind_one_sender_are_two_lines(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report(
                "1", found(CREATININE, "80", "umol/L", "45-84", laboratory="Mile End laboratory"), taken="202611010800"
            ),
            report(
                "2",
                found(CREATININE, "90", "umol/L", "50-98", laboratory="Whitechapel laboratory"),
                taken="202611020800",
            ),
        )
        assert [(origin, values) for _, origin, values in rows(await ward.summary())] == [
            ("Mile End laboratory, NEL Pathology", ["80"]),
            ("Whitechapel laboratory, NEL Pathology", ["90"]),
        ]


async def test_urine_is_not_blood(settings: Settings) -> None:
    """A urinary potassium of 55 among those of blood would call the arrest team."""
    async with open_ward(settings) as ward:
        await ward.hear(
            report("1", found("K^Potassium", "4.4", "mmol/L", "3.5-5.3"), taken="202611010800"),
            report("2", found("K^Potassium", "55", "mmol/L", "25-125"), taken="202611010805", of="UR^Urine"),
        )
        assert [(about, values) for about, _, values in rows(await ward.summary())] == [
            ("Potassium 25-125 mmol/L · Urine", ["55"]),
            ("Potassium 3.5-5.3 mmol/L · Serum", ["4.4"]),
        ]


async def test_a_range_that_changed_stands_beside_the_value_it_came_with(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report("1", found("TSH^TSH", "4.1", "mU/L", "0.3-5.5"), taken="202401010800"),
            report("2", found("TSH^TSH", "4.1", "mU/L", "0.3-4.0", flag="H"), taken="202611010800"),
        )
        page = await ward.summary()
        (row,) = section(page, "results").all(".cr-table--results", "tbody", "tr")
        newest, older = [cell.words for cell in row.all("td")][1:]
        assert row.one("th").words.startswith("TSH 0.3-4.0 mU/L")
        assert newest == "4.1 ↑ high"
        assert older == "4.1 range 0.3-5.5"
        assert not row.all("svg", "rect"), "no band that holds for one of the points only"


async def test_digits_are_the_laboratorys_own(settings: Settings) -> None:
    sent = ["5.0", "0.10", "7", "1000000", "0.000100", "<0.01", ">90"]
    async with open_ward(settings) as ward:
        await ward.hear(
            *(
                report(str(number), found(f"T{number}^Test {number}", value, "u"), taken="202611010800")
                for number, value in enumerate(sent)
            )
        )
        shown = {about.split(" u")[0]: values for about, _, values in rows(await ward.summary())}
        assert shown == {f"Test {number}": [value] for number, value in enumerate(sent)}


async def test_a_figure_in_words_keeps_its_unit(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report(
                "1",
                found(GLUCOSE, "5.4 (haemolysed)", "mmol/L", "3.0-7.8"),
                found("TITRE^Titre", "1:160", ""),
                found("HCG^Pregnancy test", "Negative", "IU/L"),
                "OBX|4|SN|RBC^Red cells||^5^-^10|/uL|||||F",
                taken="202611010800",
            )
        )
        shown = {about.split(" 3.0")[0].split(" Serum")[0]: values for about, _, values in rows(await ward.summary())}
        assert shown == {"Glucose": ["5.4 (haemolysed) mmol/L"], "Titre": ["1:160"], "Pregnancy test": ["Negative"]} | {
            "Red cells /uL ·": ["5–10"]
        }


async def test_a_unit_that_only_looks_the_same_is_another(settings: Settings) -> None:
    units = ("mmol/L", "mmol/l", "umol/L", "µmol/L", "nmol/L", "mg/L", "g/L", "10*9/L", "10^9/L")
    escaped = [unit.replace("^", "\\S\\") for unit in units]
    async with open_ward(settings) as ward:
        await ward.hear(
            *(
                report(str(number), found("X^Something", str(number + 1), unit), taken=f"2026110{number + 1}0800")
                for number, unit in enumerate(escaped)
            )
        )
        page = await ward.summary()
        assert sorted(about.split()[1] for about, _, _ in rows(page)) == sorted(units)
        listed = section(page, "results").all(".cr-table--results", "tbody", "tr")
        assert sorted(value for row in listed for value in row.words_of("b")) == [
            str(number) for number in range(1, 10)
        ]
        assert all(len(row.words_of("b")) <= 1 for row in listed)


async def test_a_flag_is_the_laboratorys_and_none_is_made_here(settings: Settings) -> None:
    async with open_ward(settings) as ward:
        await ward.hear(
            report(
                "1",
                found("K^Potassium", "6.9", "mmol/L", "3.5-5.3"),
                found("NA^Sodium", "140", "mmol/L", "133-146", flag="H"),
                taken="202611010800",
            )
        )
        results = section(await ward.summary(), "results")
        assert [line.one("a").words for line in results.all(".cr-flagged", "li")] == ["Sodium"]
