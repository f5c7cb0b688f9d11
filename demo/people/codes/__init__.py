"""The codes that the invented region uses: small tables, checked by hand, each with its source and licence.

A wrong code is worse than a missing one: where no code was sure the table has words alone, or a code of the source's
own list ("local"). tests/rooms/demo/test_codes.py checks what can be computed: Verhoeff digits, shapes, one to one.
"""
