import pytest

from escuta.text.normalise import normalise


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("R$ 25,50", "vinte e cinco reais e cinquenta centavos"),
        ("R$25,50", "vinte e cinco reais e cinquenta centavos"),
        ("R$\u00a025,50", "vinte e cinco reais e cinquenta centavos"),
        ("R$ 25,5", "vinte e cinco reais e cinquenta centavos"),
        ("R$ 25.50", "vinte e cinco reais e cinquenta centavos"),
        ("R$ 1,00", "um real"),
        ("R$ 0,50", "cinquenta centavos"),
        ("R$ 1,01", "um real e um centavo"),
        ("R$ 0,00", "zero reais"),
        ("R$ 1.234,56", "mil duzentos e trinta e quatro reais e cinquenta e seis centavos"),
        ("R$ 17", "dezessete reais"),
        ("R$ 5,899", "cinco vírgula oito nove nove reais"),
        ("R$ 3 mil", "três mil reais"),
        ("R$ 1 mil", "mil reais"),
        ("R$ 1 milhão", "um milhão de reais"),
        ("R$ 2,50 bilhões", "dois vírgula cinco bilhões de reais"),
        ("R$ 1.000.000,00", "um milhão de reais"),
        ("US$ 10", "dez dólares"),
        ("US$ 1,25", "um dólar e vinte e cinco centavos"),
        ("valores em R$.", "valores em reais."),
        ("de R$ 10 a R$ 20!", "de dez reais a vinte reais!"),
        ("25€ ou 20 € ou € 31", "vinte e cinco euros ou vinte euros ou trinta e um euros"),
        ("$ 15 e £ 5", "quinze dólares e cinco libras"),
    ],
)
def test_amounts_are_read_whole(written, spoken):
    assert normalise(written, "pt") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("14h30", "catorze horas e trinta"),
        ("14h", "catorze horas"),
        ("8 h", "oito horas"),
        ("1h", "uma hora"),
        ("22h00", "vinte e duas horas"),
        ("0h15", "zero hora e quinze"),
        ("16h30min", "dezesseis horas e trinta minutos"),
        ("2h 1min", "duas horas e um minuto"),
        ("às 8h 30 pessoas", "às oito horas trinta pessoas"),
        ("das 9:05 às 18:00h.", "das nove horas e cinco às dezoito horas."),
        ("200h", "duzentas horas"),
        ("80 km/h", "oitenta km/h"),
        ("16:9", "dezasseis:nove"),
        ("1:20:30", "um:vinte:trinta"),
    ],
)
def test_times_are_read_as_times(written, spoken):
    assert normalise(written, "pt") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1º e 1ª", "primeiro e primeira"),
        ("32ª", "trigésima segunda"),
        ("2.º e 3.ª", "segundo e terceira"),
        ("4a e 5o", "quarta e quinto"),
        ("as 1as", "as primeiras"),
        ("6a-feira", "sexta-feira"),
        ("1.000ª", "milésima"),
    ],
)
def test_ordinals_have_a_gender(written, spoken):
    assert normalise(written, "pt") == spoken


def test_a_number_too_long_for_words_stays_readable():
    assert normalise("R$ " + "9" * 30, "pt").startswith("reais nove nove")
