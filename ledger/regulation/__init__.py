"""The regulation map: what the regulations ask, where the product meets it, and the tests that show it.

It is data: one TOML file a document, in the folder `documents`. Who builds or drops something that a clause asks for
changes that clause there. A clause that nothing meets yet says so; tests hold every place and test that a clause names
to the code.
"""
