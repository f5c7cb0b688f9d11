"""Names that London and its neighbours have, by community; combined at random, nobody in particular."""

from __future__ import annotations

import random

# (weight in London, weight outside London, women, men, families)
_COMMUNITIES: tuple[tuple[int, int, str, str, str], ...] = (
    (
        34, 72,
        "Joan Margaret Susan Emily Charlotte Zoë Olive Grace Harriet Megan Beatrice Alice Poppy Florence Jean Sheila",
        "Arthur George Thomas William Oliver Jack Peter Derek Alan Henry Edward Samuel Stanley Gareth Leo Ronald",
        "Hartwell Fairbrother Penhale Thornbury Whitlock Ashdown Garside Lovelace Pemberton Birkett Rowntree Winslade",
    ),
    (
        7, 4,
        "Siobhán Niamh Orla Bridget Aoife Maeve",
        "Seán Padraig Declan Cormac Brendan Finbar",
        "O'Neill O'Halloran MacBride Gallagher Ní-Bhriain Fitzmaurice",
    ),
    (
        12, 4,
        "Fatima Nasreen Shamima Rukhsana Ayesha Sultana",
        "Mohammed Abdul Shafiq Rahim Imran Kamrul",
        "Begum Choudhury Miah Rahman Khatun Siddiqui",
    ),
    (
        9, 5,
        "Priya Meena Harpreet Jaswinder Anjali Kavita",
        "Rajesh Gurpreet Amit Vikram Harish Sanjay",
        "Patel Kaur-Gill Sharma Desai Grewal Raghunathan",
    ),
    (
        11, 3,
        "Ngozi Adaeze Folasade Abena Temitope Chiamaka",
        "Adebayo Chukwuemeka Kwame Olumide Kofi Babatunde",
        "Ogunleye Okonkwo-Eze Mensah Adeyemi Boateng Nwachukwu",
    ),
    (
        7, 3,
        "Marcia Delroyce Yvonne Shanice Claudette Jamelia",
        "Winston Delroy Leroy Tyrone Clifton Marlon",
        "Campbell-Reid Braithwaite Lamming Beckford St.-Hilaire Grandison",
    ),
    (
        6, 3,
        "Małgorzata Agnieszka Zofia Katarzyna",
        "Łukasz Wojciech Paweł Stanisław",
        "Wiśniewska-Jones Kowalczyk Zieliński Dąbrowski",
    ),
    (5, 1, "Ayşe Elif Zeynep Gülşen", "Mehmet Şahin Emre Özgür", "Yıldırım Öztürk Demirci Çelikkol"),
    (4, 1, "Hodan Amina Fadumo Sahra", "Abdirahman Yusuf Liban Mahad", "Warsame Abdullahi Farah Hassan-Nur"),
    (3, 2, "Mei-Ling Xiaoyan Wing Suk-Yee", "Wei Jun Chi-Keung Zhiming", "Chan Ng Zhang Lau"),
    (2, 2, "Inês Conceição Beatriz Graça", "João Nuno Gonçalo Tomás", "Magalhães Guimarães Conceição-Luz Sá"),
    (2, 1, "Selam Hiwot Tsehay Bethlehem", "Dawit Yonas Tesfaye Girma", "Tesfaye Girma Bekele Haile"),  # patronymics
    (2, 1, "Nguyễn-Thu Lan Hạnh Mai", "Minh Quang Tuấn Hùng", "Nguyễn Trần Lê Phạm"),  # the family name comes first
)  # fmt: skip

_ROWS = tuple((women.split(), men.split(), families.split()) for _, _, women, men, families in _COMMUNITIES)
_IN_LONDON = [london for london, *_ in _COMMUNITIES]
_OUTSIDE = [outside for _, outside, *_ in _COMMUNITIES]


def community(rng: random.Random, area: str) -> int:
    return rng.choices(range(len(_ROWS)), _IN_LONDON if area == "London" else _OUTSIDE)[0]


def family_name(rng: random.Random, group: int) -> str:
    return rng.choice(_ROWS[group][2])


def given_names(rng: random.Random, group: int, gender: str) -> tuple[str, ...]:
    names = _ROWS[group][0 if gender == "F" else 1]
    first = rng.choice(names)
    second = rng.choice(names)
    return (first, second) if rng.random() < 0.5 and second != first else (first,)


def title(rng: random.Random, gender: str, age: int) -> str:
    if age < 16:
        return ""
    if gender == "M":
        return "Dr" if rng.random() < 0.03 else "Mr"
    return rng.choices(("Mrs", "Miss", "Ms", "Dr"), (60 if age > 40 else 25, 20, 17, 3))[0]


SHORT_FORMS = {
    "Margaret": "Peggy", "Susan": "Sue", "William": "Bill", "Edward": "Ted", "Samuel": "Sam", "Stanley": "Stan",
    "Ronald": "Ron", "Gareth": "Gar", "Beatrice": "Bea", "Rajesh": "Raj", "Agnieszka": "Agn", "Temitope": "Temi",
    "Abdirahman": "Abdi", "Olumide": "Olu", "Jaswinder": "Jas", "Folasade": "Fola", "Siobhán": "Sio",
}  # fmt: skip
LANGUAGES = {2: "bn", 3: "gu", 6: "pl", 7: "tr", 8: "so", 9: "yue", 10: "pt", 11: "am", 12: "vi"}
LANGUAGE_NAMES = {
    "am": "Amharic", "bn": "Bengali", "gu": "Gujarati", "pl": "Polish", "pt": "Portuguese", "so": "Somali",
    "tr": "Turkish", "vi": "Vietnamese", "yue": "Cantonese",
}  # fmt: skip


def short_form(given: str) -> str:
    """What people call someone of this name, where there is such a form; else the name."""
    return SHORT_FORMS.get(given, given)
