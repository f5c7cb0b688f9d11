"""Why people come to a London hospital: each pathway is data from which a story is told."""

# ruff: noqa: E501 -- a table is read by its rows.

from __future__ import annotations

import msgspec


class Pathway(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    team: str  # key of places.CONSULTANTS
    called: str  # "heart valve"
    specialty: str  # NHS treatment function code
    site: str
    clinic: str
    ward: str
    ages: tuple[int, int]
    reason: str
    diagnosis: tuple[str, str]  # ICD-10
    also: tuple[tuple[str, str], ...]
    operation: str
    days: tuple[int, int]
    panels: tuple[str, ...]
    usual: dict[str, float]  # what the illness does to the usual level
    peak: dict[str, float]  # what the operation does, at its worst
    report: str = ""  # key of REPORTS
    plan: tuple[str, ...] = ()
    source: str = "barts"  # the hospital that tells it
    images: tuple[str, ...] = ()  # keys of codes.imaging
    procedure: str = ""  # key of codes.procedures
    medicines: tuple[str, ...] = ()  # keys of codes.medicines, begun by it
    only_in_letter: str = ""  # a medicine that no code anywhere says
    pending: str = ""  # what is awaited at discharge
    phone: str = "020 7946 0111"  # whom to ring
    alert: str = ""  # key of codes.social.ALERTS
    device: str = ""  # key of codes.social.DEVICES


_SURGERY = {"HB": -26.0, "CRP": 150.0, "WBC": 5.0, "NEUT": 5.0, "ALB": -8.0, "PLT": -60.0}

SPECIALIST = (
    Pathway(
        key="heart-valve", team="heart", called="heart valve", specialty="172", site="St Bartholomew's Hospital",
        clinic="Heart Valve Clinic", ward="Ward 4A Cardiac", ages=(55, 92), reason="Severe aortic stenosis, breathless on exertion",
        diagnosis=("I35.0", "Aortic (valve) stenosis"), also=(("I48.9", "Atrial fibrillation, unspecified"), ("I10", "Essential hypertension")),
        operation="Tissue aortic valve replacement", days=(5, 9), panels=("UE", "FBC", "CRP", "COAG", "TROP"),
        usual={"K": 0.3, "EGFR": -12.0, "CREA": 12.0},
        peak={**_SURGERY, "K": 1.1, "CREA": 55.0, "UREA": 5.0, "EGFR": -22.0, "TROPT": 420.0, "INR": 1.5}, report="blood-culture",
        plan=("INR in 7 days, target 2.0 to 3.0.", "Repeat urea and electrolytes in 1 week.", "Echocardiogram before clinic."),
        images=("echo", "chest"), procedure="aortic-valve", medicines=("warfarin", "bisoprolol", "furosemide"),
        only_in_letter="Lansoprazole 15 mg once a day for six weeks", pending="Sternal swab, taken on the day of discharge",
        phone="020 7946 0131, heart valve nurses", device="valve",
    ),
    Pathway(
        key="cancer", team="cancer", called="cancer", specialty="800", site="St Bartholomew's Hospital", clinic="Lymphoma Clinic",
        ward="Ward 5B Oncology", ages=(22, 84), reason="Enlarged neck nodes, lymphoma suspected",
        diagnosis=("C83.3", "Diffuse large B-cell lymphoma"), also=(("D70", "Agranulocytosis"),),
        operation="Chemotherapy, cycle 1", days=(3, 8), panels=("UE", "LFT", "FBC", "CRP"), usual={"HB": -14.0, "ALB": -4.0},
        peak={"WBC": -4.8, "NEUT": -3.4, "PLT": -120.0, "HB": -18.0, "CRP": 90.0, "ALT": 60.0}, report="histology",
        plan=("Full blood count weekly.", "Temperature of 38 or above: ring the acute oncology line at once."),
        images=("chest",), procedure="chemotherapy", medicines=("allopurinol",),
        only_in_letter="Aciclovir 400 mg twice a day while on treatment", pending="PET-CT after cycle 2",
        phone="020 7946 0132, acute oncology line, day and night", alert="blood",
    ),
    Pathway(
        key="transplant", team="transplant", called="kidney transplant", specialty="102", site="The Royal London Hospital",
        clinic="Renal Transplant Clinic", ward="Ward 9F Renal", ages=(19, 70), reason="End stage kidney disease, on the transplant list",
        diagnosis=("N18.5", "Chronic kidney disease, stage 5"), also=(("I12.0", "Hypertensive renal disease with renal failure"),),
        operation="Kidney transplant from a living donor", days=(7, 12), panels=("UE", "FBC", "LFT"),
        usual={"CREA": 90.0, "UREA": 9.0, "EGFR": -38.0, "HB": -20.0, "K": 0.4},
        peak={"CREA": 320.0, "UREA": 12.0, "EGFR": -20.0, "K": 0.9, "WBC": 5.0, "NEUT": 4.0, "HB": -12.0}, report="urine-culture",
        plan=("Bloods twice a week for the first month.", "Do not change transplant medicines without the transplant team."),
        images=("renal-us",), procedure="kidney-transplant", medicines=("tacrolimus", "mycophenolate", "prednisolone"),
        only_in_letter="Valganciclovir 450 mg once a day for 100 days", pending="Donor-specific antibodies",
        phone="020 7946 0133, transplant co-ordinator", alert="steroids",
    ),
    Pathway(
        key="neuro", team="neuro", called="neurosurgery", specialty="150", site="The Royal London Hospital", clinic="Neurosurgery Clinic",
        ward="Ward 12D Neurosurgery", ages=(18, 82), reason="Headaches, meningioma on imaging", diagnosis=("D32.0", "Benign neoplasm of cerebral meninges"),
        also=(("G40.9", "Epilepsy, unspecified"),), operation="Craniotomy and removal of meningioma", days=(4, 8),
        panels=("UE", "FBC", "CRP"), usual={}, peak={"NA": -9.0, "CRP": 60.0, "HB": -12.0, "WBC": 6.0}, report="histology",
        plan=("No driving until told otherwise.", "Sodium in 1 week."),
        images=("brain-mr", "head-ct"), procedure="meningioma", medicines=("levetiracetam",), pending="Histology",
        phone="020 7946 0134, neurosurgery nurses",
    ),
    Pathway(
        key="eye", team="eye", called="eye", specialty="130", site="Whipps Cross Hospital", clinic="Eye Clinic", ward="Day Surgery Unit",
        ages=(40, 104), reason="Cataract, right eye", diagnosis=("H25.1", "Senile nuclear cataract"), also=(("H40.1", "Primary open-angle glaucoma"),),
        operation="Cataract extraction with lens implant, right eye", days=(1, 1), panels=("UE", "FBC"), usual={}, peak={},
        plan=("Eye drops for four weeks.",),
        procedure="cataract", medicines=("latanoprost",), only_in_letter="Dexamethasone 0.1 % eye drops four times a day",
        phone="020 7946 0135, eye casualty", device="lens",
    ),
    Pathway(
        key="children", team="children", called="children's surgery", specialty="171", site="The Royal London Hospital",
        clinic="Children's Surgery Clinic", ward="Ward 7C Children", ages=(0, 15), reason="Congenital heart murmur, for assessment",
        diagnosis=("Q21.1", "Atrial septal defect"), also=(), operation="Device closure of atrial septal defect", days=(2, 4),
        panels=("UE", "FBC", "CRP"), usual={}, peak={"HB": -10.0, "CRP": 30.0}, plan=("School after two weeks.",),
        images=("echo",), procedure="atrial-septal-defect", medicines=("paracetamol-child",), phone="020 7946 0136, children's ward",
    ),
    Pathway(
        key="neuro-uclh", team="uclh", called="neurology and neurosurgery", specialty="150", site="National Hospital, Queen Square",
        clinic="Neuro-oncology Clinic", ward="Victor Horsley Ward", ages=(18, 85), reason="Seizures, a meningioma on imaging",
        diagnosis=("D32.0", "Benign neoplasm of cerebral meninges"), also=(("G40.9", "Epilepsy, unspecified"),),
        operation="Craniotomy and removal of meningioma", days=(4, 8), panels=("UE", "FBC", "CRP"), usual={},
        peak={"NA": -9.0, "CRP": 60.0, "HB": -12.0, "WBC": 6.0}, report="histology", plan=("No driving until told otherwise.", "MRI in three months."),
        source="uclh", images=("brain-mr", "head-ct"), procedure="meningioma", medicines=("levetiracetam", "omeprazole"),
        only_in_letter="Dexamethasone 2 mg, reducing to stop over ten days", pending="Molecular histology",
        phone="020 7946 0161, neuro-oncology nurses", alert="airway",
    ),
    Pathway(
        key="heart-rhythm-uclh", team="uclh", called="heart rhythm", specialty="320", site="University College Hospital", clinic="Arrhythmia Clinic",
        ward="Ward T7 Cardiology", ages=(40, 98), reason="Slow atrial fibrillation with dizziness", diagnosis=("I48.9", "Atrial fibrillation, unspecified"),
        also=(("I50.9", "Heart failure, unspecified"),), operation="Dual chamber pacemaker", days=(1, 3), panels=("UE", "FBC", "COAG"),
        usual={"EGFR": -8.0}, peak={"TROPT": 30.0}, plan=("Pacing check in six weeks.", "Repeat urea and electrolytes in two weeks."),
        source="uclh", images=("echo", "chest"), procedure="pacemaker", medicines=("bisoprolol", "furosemide", "ramipril-capsule"),
        only_in_letter="Apixaban 5 mg twice a day, started on day 2", pending="Pacing check",
        phone="020 7946 0162, pacing clinic", alert="pacemaker", device="pacemaker",
    ),
    Pathway(
        key="heart-gosh", team="gosh", called="children's heart", specialty="221", site="Great Ormond Street Hospital",
        clinic="Cardiology Clinic, Walrus", ward="Bear Ward", ages=(0, 16), reason="Ventricular septal defect, poor weight gain",
        diagnosis=("Q21.0", "Ventricular septal defect"), also=(), operation="Closure of ventricular septal defect", days=(4, 8),
        panels=("UE", "FBC", "CRP"), usual={}, peak={"HB": -12.0, "CRP": 60.0}, plan=("Weigh weekly.", "Antibiotics before dental work: ask us first."),
        source="gosh", images=("echo", "chest"), procedure="", medicines=("paracetamol-child",),
        only_in_letter="Spironolactone 10 mg/5 ml, 2 ml once a day", pending="Genetics", phone="020 7946 0171, cardiac nurse specialists",
    ),
    Pathway(
        key="lungs-gosh", team="gosh", called="children's lungs", specialty="258", site="Great Ormond Street Hospital",
        clinic="Respiratory Clinic, Badger", ward="Badger Ward", ages=(1, 16), reason="Cystic fibrosis, annual review and chest infection",
        diagnosis=("E84.9", "Cystic fibrosis, unspecified"), also=(), operation="", days=(3, 10), panels=("UE", "FBC", "CRP", "LFT"), usual={},
        peak={"CRP": 45.0, "WBC": 5.0}, report="", plan=("Physiotherapy twice a day.", "Weight and height at each visit."),
        source="gosh", images=("chest",), medicines=("amoxicillin-child", "salbutamol"),
        pending="Sputum culture", phone="020 7946 0172, CF nurses",
    ),
)  # fmt: skip

LOCAL = (
    Pathway(
        key="pneumonia", team="general", called="acute medicine", specialty="300", site="The Royal London Hospital", clinic="Chest Clinic",
        ward="Ward 10E Acute Medicine", ages=(16, 104), reason="Cough, fever and breathlessness", diagnosis=("J18.1", "Lobar pneumonia, unspecified"),
        also=(("J44.9", "Chronic obstructive pulmonary disease, unspecified"),), operation="", days=(2, 7), panels=("UE", "LFT", "FBC", "CRP"),
        usual={}, peak={"CRP": 210.0, "WBC": 9.0, "NEUT": 8.0, "UREA": 4.0, "CREA": 25.0, "ALB": -6.0}, report="blood-culture",
        plan=("Chest X-ray in six weeks.",),
        images=("chest-pneumonia",), medicines=("amoxicillin",), pending="Blood cultures, final report",
    ),
    Pathway(
        key="diabetes", team="general", called="diabetes", specialty="307", site="Mile End Hospital", clinic="Diabetes Clinic",
        ward="Ward 11E Medicine", ages=(25, 90), reason="Type 2 diabetes, review", diagnosis=("E11.9", "Type 2 diabetes mellitus without complications"),
        also=(("I10", "Essential hypertension"),), operation="", days=(0, 0), panels=("UE", "HBA1C", "LFT"),
        usual={"HBA1C": 32.0, "EGFR": -10.0}, peak={}, plan=("HbA1c in three months.",),
        medicines=("metformin", "ramipril"),
    ),
    Pathway(
        key="chest-pain", team="general", called="emergency", specialty="180", site="Newham University Hospital", clinic="Rapid Access Chest Pain Clinic",
        ward="Ward 3 Acute Medicine", ages=(30, 95), reason="Chest pain", diagnosis=("I21.4", "Acute subendocardial myocardial infarction"),
        also=(("E78.0", "Pure hypercholesterolaemia"),), operation="", days=(2, 4), panels=("UE", "FBC", "TROP", "COAG"),
        usual={}, peak={"TROPT": 860.0, "K": -0.7}, plan=("Cardiac rehabilitation.",),
        images=("chest",), procedure="stent", medicines=("aspirin", "atorvastatin", "bisoprolol"),
    ),
    Pathway(
        key="child-wheeze", team="children", called="children's emergency", specialty="420", site="Whipps Cross Hospital", clinic="Children's Clinic",
        ward="Acorn Ward", ages=(0, 15), reason="Wheeze and fever", diagnosis=("J45.9", "Asthma, unspecified"), also=(), operation="", days=(1, 2),
        panels=("UE", "FBC", "CRP"), usual={}, peak={"CRP": 25.0, "WBC": 4.0, "K": -0.5}, plan=("Inhaler technique reviewed.",),
        medicines=("salbutamol",),
    ),
)  # fmt: skip

BY_KEY = {pathway.key: pathway for pathway in (*SPECIALIST, *LOCAL)}

# How the effect of an operation or an acute illness runs, day by day; afterwards it fades.
COURSE = (0.35, 1.0, 0.85, 0.6, 0.42, 0.3, 0.2, 0.14, 0.1, 0.07)

# key: (code, name, specimen, preliminary words or "", final words)
REPORTS: dict[str, tuple[str, str, str, tuple[str, ...], tuple[str, ...]]] = {
    "blood-culture": (
        "BCUL", "Blood culture", "Blood", ("INTERIM REPORT", "No growth after 48 hours.", "Incubation continues."),
        ("FINAL REPORT", "Aerobic bottle: no growth after 5 days.", "Anaerobic bottle: no growth after 5 days."),
    ),
    "urine-culture": (
        "UCUL", "Urine culture", "Urine (mid-stream)", ("INTERIM REPORT", "Significant growth, identification to follow."),
        ("FINAL REPORT", "Escherichia coli >10^5 cfu/mL", "Nitrofurantoin S", "Trimethoprim R", "Ciprofloxacin S",
         "Comment: treat if symptomatic & transplanted."),
    ),
    "histology": (
        "HIST", "Histopathology report", "Tissue", (),
        ("CLINICAL DETAILS: see request.", "MACROSCOPY: a fragment 14 x 9 x 6 mm, all embedded.",
         "MICROSCOPY: appearances as discussed at the multidisciplinary meeting.",
         "CONCLUSION: features in keeping with the clinical diagnosis."),
    ),
}  # fmt: skip

# (kind, SNOMED CT code, text, severity, reaction)
ALLERGIES = (
    ("DA", "91936005", "Allergy to penicillin", "SV", "Anaphylaxis"),
    ("DA", "91936005", "Allergy to penicillin", "MO", "Rash"),
    ("DA", "294505008", "Allergy to amoxicillin", "MI", "Urticaria"),
    ("DA", "293586001", "Allergy to aspirin", "MO", "Wheeze"),
    ("MA", "300916003", "Allergy to latex", "MI", "Contact dermatitis"),
    ("FA", "91935009", "Allergy to peanut", "SV", "Anaphylaxis"),
    ("FA", "300913006", "Shellfish allergy", "MO", "Facial swelling"),
)
NO_KNOWN_ALLERGIES = ("MA", "716186003", "No known allergy", "", "")
