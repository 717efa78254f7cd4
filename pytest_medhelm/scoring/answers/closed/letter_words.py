"""What stands beside a single letter and tells whether it names an option: see ``words``."""

from __future__ import annotations

from pytest_medhelm.scoring.answers.closed.words import vocabulary

PREFIXES = vocabulary(r"""
    option|answer|choice|ngu|ngo|yi|u|ke|ni|bu|la|opcion|alternativa|вариант
""")
AFTER_ARTICLE_LETTER = vocabulary(r"""
    is|isn't|are|was|wasn't|would|will|can|can't|cannot|could|should|may|might|must|has|seems?|looks|appears|fits
    |remains|and|or|and/or|vs|versus|over|than|rather|instead|not|because|since|as|due|which|but|although|though
    |while|whereas|in|here|too|also|if|when|with|does|doesn't|explains|describes|matches|lacks|fails|therefore|thus
    |unless|even|then|to|wins|es|no|y|e|o|ou|est|et|ist|und|oder|nicht|nao|seria|sera|serait|ware|porque|parce|car
    |weil|pois|perche|pero|mas|mais|aber|queda|scheidet|parece|adalah|karena|tidak|bukan|dan|atau|la|vi|ni|si|kwa
    |ndiyo|est|n'est
    |sino|esta|sondern|instead|tetapi|bukan|fits|best|alone|only|noch
    |stands|emerges|reduces|prevents|works|aligns|accounts|comes|explains|suits|says|states
    |hoac|atau|dan|au|ou|oder|y|va|i think|i believe|stays|first|later
    |(?!(?:diabetes|series|species|means|herpes|rabies|pancreas|biceps|triceps|lens|measles|gas|bias|atlas)\b)
    [a-z]{2,}[^\W\dsui]s(?=\s)
""")
# What a single letter belongs to that is no option.
CARRIER = vocabulary(r"""
    hepatit\w+|vit(?:amin\w*|\.)?|types?|tipo|typ|groups?|grupo|gruppe|groupe|class|clase|classe|stage|estadio|stadium|grade
    |grado|factor|faktor|facteur|influenza|protein|proteina|phase|category|pugh|streptococcus|streptococci|plan
    |schedule|haemophilus|immunoglobulin|serotype|blood|amphotericin|c[iy]closporin|polymyxin|penicillin|coxsackie
    |botulinum|toxin|complement|chromosome|apolipoprotein|lesion|point|figure|panel|table|part|case|patient|site
    |section|arm|cohort|drug|medication|subtype|ha?emoglobin|hb|mr|dr|st|apo|xeroderma|hypervitaminosis|anti
    |strain|troponin
    |virus|zone|segment|criterion|appendix|exhibit|fig|витамин|гепатит|тип|группа
""")
# What a single letter begins that is no option.
COMPOUND = vocabulary(r"""
    cells?|lymphocytes?|symptoms?|sections?|peptides?|dimers?|waves?|complex|complexes|fib(?:er|re)s?|virus|viruses
    |reactive|shaped?|deficien\w+|vitamins?|antigens?|antibod\w+|proteins?|chains?|receptors?|scan|rays?|linked
    |lesions?|type|group|streptococ\w+|spots?|lines?|hormones?|toxins?|test|score|scale|stain|major|minor
    |[a-z]+(?:ae|ii|us|is)(?=\W)
""")
COMMON = frozenset(
    [
        "yes",
        "no",
        "maybe",
        "true",
        "false",
        "si",
        "oui",
        "non",
        "ja",
        "nein",
        "sim",
        "nao",
        "none",
        "both",
        "never",
        "always",
        "other",
        "others",
        "unknown",
    ]
)
SPECIES = vocabulary(r"""
    difficile|coli|aureus|albicans|glabrata|krusei|pneumoniae|pneumophila|perfringens|tetani|botulinum
    |jejuni|trachomatis
    |neoformans|immitis|cereus|burnetii|pertussis|diphtheriae|influenzae|ducreyi|faecalis|faecium
    |meningitidis|gonorrhoeae
    |falciparum|vivax|malariae|gondii|marcescens|cloacae|mirabilis|vulgaris|aeruginosa|pyogenes
    |agalactiae|viridans|bovis
    |gallolyticus|epidermidis|saprophyticus|lugdunensis|fumigatus|flavus|jirovecii|carinii|lamblia
    |histolytica|burgdorferi
    |pallidum|leprae|tuberculosis|avium|kansasii|henselae|quintana|tularensis|pestis|anthracis|monocytogenes|elegans
    |typhi|flexneri|sonnei|dysenteriae|enterocolitica|pylori|vulnificus|cholerae|baumannii|maltophilia|cepacia|canis
    |solium|saginata|stercoralis|vermicularis|lumbricoides|mansoni|haematobium|capsulatum|dermatitidis
    |vaginalis|oxytoca
""")
