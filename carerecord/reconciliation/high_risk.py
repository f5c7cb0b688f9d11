"""Medicines that a reader wants to see first, as a table of words: a mark says which kind, and judges nothing.

Kinds from the NHS list of high-risk medicines that page.md of the design names; ingredients and common British brands,
spelt as dm+d spells them. A name stands here only if it belongs to that kind alone. To be reviewed by a pharmacist.
"""

from __future__ import annotations

import re

KINDS = {
    "anticoagulant": "warfarin acenocoumarol phenindione apixaban rivaroxaban edoxaban dabigatran heparin enoxaparin "
    "dalteparin tinzaparin fondaparinux eliquis xarelto lixiana pradaxa clexane fragmin",
    "insulin": "insulin novorapid humalog lantus levemir tresiba toujeo humulin novomix fiasp apidra actrapid "
    "abasaglar lyumjev insulatard",
    "opioid": "morphine oxycodone fentanyl buprenorphine methadone diamorphine hydromorphone tapentadol tramadol "
    "codeine dihydrocodeine pethidine alfentanil oramorph zomorph oxycontin longtec shortec butec butrans co-codamol "
    "co-dydramol",
    "steroid": "prednisolone prednisone dexamethasone hydrocortisone methylprednisolone fludrocortisone deflazacort "
    "betamethasone triamcinolone",
    "immunosuppressant": "methotrexate azathioprine mercaptopurine ciclosporin tacrolimus sirolimus everolimus "
    "mycophenolate mycophenolic leflunomide adalimumab infliximab etanercept rituximab tocilizumab basiliximab prograf "
    "adoport advagraf tofacitinib baricitinib",
    "chemotherapy": "capecitabine cyclophosphamide doxorubicin cisplatin carboplatin oxaliplatin paclitaxel docetaxel "
    "fluorouracil vincristine vinblastine etoposide temozolomide imatinib ibrutinib hydroxycarbamide lenalidomide "
    "bortezomib pembrolizumab nivolumab trastuzumab cytarabine gemcitabine irinotecan chlorambucil melphalan",
    "clozapine": "clozapine clozaril denzapine zaponex",
    "lithium": "lithium priadel camcolit liskonum",
}
# On the skin, in the eye, the ear, the nose or the lungs a steroid is not what this mark means.
SYSTEMIC_ONLY = frozenset(("steroid", "immunosuppressant"))
LOCAL_ROUTES = frozenset(("skin", "eye", "ear", "nasal", "inhaled", "vaginal", "rectal"))
_BY_WORD = {word: kind for kind, words in KINDS.items() for word in words.split()}
_WORDS = re.compile(r"[a-z][a-z-]+")


def kind_of(text: str, route: str) -> str:
    """ "anticoagulant", "insulin", ... or "" where no word of the name is in the table."""
    for word in _WORDS.findall(text.casefold()):
        kind = _BY_WORD.get(word, "")
        if kind and not (kind in SYSTEMIC_ONLY and route in LOCAL_ROUTES):
            return kind
    return ""
