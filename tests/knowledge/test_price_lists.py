"""Prices that stand in tables and beside currencies: what asks for them is answered."""

import pytest

TABLES = {
    "quoted.csv": 'name,price\n"Kettle ""Aqua"", red",24.90 EUR\n"Lamp ""Sol"", blue",39.00 EUR\n',
    "without-currency.csv": 'name,price\n"Kettle ""Aqua"", red",24.90\nLamp,12\n',
    "decimal-commas.csv": 'name;price\n"Kettle ""Aqua"", red";24,90 EUR\nLamp;12,00 EUR\n',
    "one-row.csv": 'name\tprice\n"Kettle ""Aqua"", red"\t24.90\n',
    "bars.csv": 'name | price\nKettle "Aqua", red | 24.90 EUR\nLamp, blue | 3 EUR\n',
    "bars.txt": 'Kettle "Aqua", red | 24.90 EUR\nLamp, blue | 3 EUR\n',
}


@pytest.mark.parametrize("name", TABLES)
async def test_the_price_of_a_row_is_told(library, name):
    await library.learn(TABLES[name], name)
    for question in ("How much is the kettle?", "What is the price of the Kettle Aqua?"):
        found = await library.ask(question)
        assert "24.90" in found.text.replace(",", "."), question
        assert "Lamp" not in found.text
    assert not (await library.ask("How much is the Kettle Terra?")).grounded
    assert not (await library.ask("How much is the blender?")).grounded


@pytest.mark.parametrize(
    ("told", "question", "price"),
    [
        ("Café Zürich: Der Käsekuchen kostet 6,20 Franken.", "Was kostet der Käsekuchen?", "6,20"),
        ("Flammkuchen: 11,50 CHF, Zwiebelkuchen: 9 CHF.", "Wie teuer ist ein Flammkuchen?", "11,50"),
        ("Die Dampfnudel gibt es für 40 Kronen.", "Was kostet die Dampfnudel?", "40"),
        ("Nussgipfel, frisch gebacken, 3.20 Fr.", "Was kostet der Nussgipfel?", "3.20"),
        ("La lampe coûte 12,90 au comptoir.", "Combien coûte la lampe ?", "12,90"),
        ("La lámpara vale 300 pesos.", "¿Cuánto cuesta la lámpara?", "300"),
    ],
)
async def test_a_price_is_one_in_any_money(library, told, question, price):
    await library.learn(told, "prices.txt")
    found = await library.ask(question)
    assert found.grounded
    assert price in found.text


async def test_a_compound_that_no_table_of_words_has_is_that_word(library):
    await library.learn("Der Käsekuchen kostet 6,20 Franken.", "prices.txt")
    assert not (await library.ask("Was kostet der Zwiebelkuchen?")).grounded
    assert not (await library.ask("Hat der Käsekuchen Nüsse?")).grounded


@pytest.mark.parametrize("question", ["12", "12?", "12 €", "zwölf", "١٢"])
async def test_a_number_alone_asks_for_nothing(library, question):
    await library.learn("# Menü\nDas Menü kostet 12 Euro. Raum 12 liegt im ersten Stock.", "menu.md")
    assert not (await library.ask(question)).grounded
    assert (await library.ask("Wo liegt Raum 12?")).grounded
