"""Analytes by the Pathology Bounded Code List (PBCL), by which practices file what laboratories send.

Source: PBCL, a subset of Read v2 (NHS England TRUD, Crown copyright, Open Government Licence v3). Analytes whose code
was not sure have none.
"""

PBCL = {
    "NA": "44I5.",
    "K": "44I4.",
    "UREA": "44J9.",
    "CREA": "44J3.",
    "EGFR": "451E.",
    "HB": "423..",
    "WBC": "42H..",
    "PLT": "42P..",
    "MCV": "42A..",
    "NEUT": "42J..",
    "LYMPH": "42M..",
    "BILI": "44E..",
    "ALT": "44G3.",
    "ALP": "44F3.",
    "ALB": "44M4.",
    "CRP": "44CS.",
    "INR": "42QE.",
    "HBA1C": "42W5.",
}
