"""What the page's API answers about documents: the shelf, a page, and answers with their citations."""

from tests.functional.web_page.scripted_documents import Document

_ROW = "Net sales | $1,250 | $1,000"
PAGE: Document = {
    "document": "borealis-10k.html",
    "page": 2,
    "text": f"CONSOLIDATED STATEMENTS\n{_ROW}\nCosts | $800",
}
SHELF: Document = {
    "documents": [
        {
            "name": "borealis-10k.html",
            "company": "Borealis Pumps, Inc.",
            "form": "10-K",
            "fiscal_year": 2024,
            "fiscal_period": "FY",
            "period_end": "2025-01-31",
            "pages": 3,
            "problems": ["1 of 3 pages hold no text (images?), the first is page 3"],
        }
    ],
    "adds": True,
    "most_bytes": 64_000_000,
}
FIGURE: Document = {
    "question": "What was revenue in 2024?",
    "answer": "Borealis Pumps, Inc., Net sales: $1,250 million (fiscal 2024).",
    "refused": False,
    "reason": "",
    "method": "fact",
    "value": 1250000000,
    "unit": "USD",
    "period": "fiscal 2024",
    "calculation": "",
    "filter": {"company": ["Borealis Pumps, Inc."], "fiscal_year": [2024]},
    "citations": [
        {
            "document": "borealis-10k.html",
            "page": 2,
            "section": "",
            "text": _ROW,
            "span": [24, 24 + len(_ROW)],
            "company": "Borealis Pumps, Inc.",
        }
    ],
}
WORDED: Document = FIGURE | {
    "model": "tuned",
    "cut": False,
    "answer": "Net sales were $1,250 million, after [figure not found in the sources] the year before.",
    "reason": "1 of its figures stands in no cited passage and is struck",
    "method": "generate",
    "value": None,
    "unit": "",
    "period": "",
}
REFUSED_FIGURE: Document = FIGURE | {
    "question": "What was revenue in 2010?",
    "answer": "",
    "refused": True,
    "reason": "The documents give this figure for fiscal 2023, fiscal 2024, not for fiscal 2010",
    "value": None,
    "citations": [],
}
