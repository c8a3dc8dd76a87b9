"""The lexicon: what is read from the file, what is refused, and how concepts are related."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.concepts.lexicon import (
    Concept,
    Lexicon,
    attribute_similarity,
    load_lexicon,
    select,
    tree_similarity,
    word_pattern,
)
from golgi.errors import GolgiError
from golgi.study.plurals import pluralise

MICROWORLD = Path(__file__).parents[2] / "config" / "lexicons" / "microworld.yaml"
SMALL = """
part_of_speech: noun
categories:
  thing: {gloss: anything}
  animal: {parent: thing, attributes: {does: [eat]}}
  tool: {parent: thing}
concepts:
  cat: {category: animal, gloss: a small animal, attributes: {has: [fur, claws]}}
  dog: {category: animal, gloss: a loyal animal, attributes: {has: [fur], does: [bark]}}
  knife: {category: tool, gloss: a tool that cuts, plural: knives, part_of_speech: noun}
  fire engine: {category: tool, gloss: a vehicle that puts out fires}
"""


def read(tmp_path: Path, text: str) -> Lexicon:
    path = tmp_path / "words.yaml"
    path.write_text(text, encoding="utf-8")
    return load_lexicon(path)


@pytest.fixture
def small(tmp_path: Path) -> Lexicon:
    return read(tmp_path, SMALL)


def test_fields_and_their_defaults(small: Lexicon):
    cat, dog, knife, engine = small.concepts
    assert (cat.name, cat.word, cat.plural, cat.part_of_speech) == ("cat", "cat", "cats", "noun")
    assert dog.attributes == {"does": ("eat", "bark"), "has": ("fur",)}
    assert knife.plural == "knives"
    assert engine.attributes == {}
    assert small.lineage("cat") == ["animal", "thing"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("gloss: a small animal, ", "", "words.yaml:8:3 concepts.cat.gloss: missing."),
        ("{category: animal, gloss: a small", "{category: animl, gloss: a small", "Did you mean `animal`?"),
        ("parent: thing}\nconcepts", "parent: thimg}\nconcepts", "words.yaml:6:18 categories.tool.parent"),
        (
            "thing: {gloss: anything}",
            "thing: {parent: animal}",
            "its own ancestor: animal -> thing -> animal",
        ),
        (
            "plural: knives",
            "plural: Cats",
            "words.yaml:10:60 concepts.knife.plural: `Cats` is already a word of `cat`",
        ),
        ("plural: knives", "plurl: knives", "unknown field. Did you mean `plural`?"),
        ("plural: knives", "plural: 3", "a text is wanted, not 3; put it in quotes"),
        ("plural: knives", 'plural: ""', '"" has no letter or digit'),
        ("plural: knives", "plural: [knives]", "concepts.knife.plural: a text is wanted, not a list."),
        ("plural: knives", "word: 包丁", "in a script that sets no spaces between words"),
        ("plural: knives", "word: มีด", "in a script that sets no spaces between words"),
        ("  dog: {", "  '---': {", 'concepts.---.word: "---" has no letter or digit'),
        ("  dog: {", "  fire-engine: {", "concepts.fire engine.word: `fire engine` is already a word of"),
        ("  dog: {", "  dog: 3\n  d: {", "concepts.dog: a group of fields is wanted"),
        ("has: [fur, claws]", "has: [true, claws]", "concepts.cat.attributes.has[0]: a text is wanted"),
        ("has: [fur, claws]", "has: {fur: claws}", "attributes.has: a text is wanted, not a group of fields"),
        ("attributes: {does: [eat]}", "attributes: [eat]", "a group of names with their values is wanted"),
        ("  dog: {", "  cat: {", "concepts.cat: given twice"),
        (
            "plural: knives",
            "kinds: dagger",
            "concepts.knife.kinds: a list of names is wanted, as in `[poodle",
        ),
        ("plural: knives", "kinds: {a: b}", "concepts.knife.kinds: a list of names is wanted"),
        ("plural: knives", "kinds: [dagger, 3]", "concepts.knife.kinds[1]: a text is wanted, not 3"),
        ("plural: knives", "kinds: [dagger, ]\n    , gloss: x", "given twice"),
        ("plural: knives", "kinds: ['']", "concepts.knife.kinds[0]: a text is wanted, not nothing"),
        ("plural: knives", "kinds: [dagger, '--']", 'concepts.knife.kinds[1]: "--" has no letter or digit'),
        ("plural: knives", "kinds: [dagger, Dagger]", "concepts.knife.kinds[1]: `Dagger` is repeated."),
        ("plural: knives", "kinds: [Knife]", "concepts.knife.kinds[0]: `Knife` is the concept's own word"),
        ("plural: knives", f"kinds: {list(range(1001))}", "the list holds more than 1000"),
        ("plural: knives", "kind: [dagger]", "unknown field. Did you mean `kinds`?"),
        (
            "gloss: a small animal",
            "gloss: [a small animal]",
            "concepts.cat.gloss: a text is wanted, not a list",
        ),
        ("part_of_speech: noun\n", "", "concepts.cat.part_of_speech: missing"),
        ("part_of_speech: noun\n", "language: en\n", "words.yaml:2:1 language: unknown field."),
        ("concepts:", "words:", "a lexicon has `categories` and `concepts`"),
        ("concepts:", "concepts: [", "not YAML"),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, words: str):
    with pytest.raises(GolgiError) as caught:
        read(tmp_path, SMALL.replace(old, new, 1))
    assert words in str(caught.value)
    assert "words.yaml" in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path):
    text = SMALL.replace("gloss: a small animal, ", "").replace(
        "category: tool, gloss: a tool", "gloss: a tool"
    )
    with pytest.raises(GolgiError) as caught:
        read(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 2


def test_words_that_only_yaml_1_1_takes_for_truth_values_are_words(tmp_path: Path):
    lexicon = read(tmp_path, SMALL.replace("has: [fur, claws]", "has: [no, off]").replace("  dog:", "  yes:"))
    assert lexicon.by_name["cat"].attributes["has"] == ("no", "off")
    assert lexicon.by_name["yes"].word == "yes"


def test_words_are_composed_and_a_missing_word_is_the_name(tmp_path: Path):
    lexicon = read(tmp_path, SMALL.replace("  dog: {", "  cafe\u0301: {word: , plural: , "))
    assert (lexicon.concepts[1].word, lexicon.concepts[1].plural) == ("caf\u00e9", "caf\u00e9s")


NOUNS = """
horse horses, bus buses, cherry cherries, boy boys, bench benches, knife knives, wolf wolves, leaf leaves,
bookshelf bookshelves, life lives, housewife housewives, half halves, loaf loaves, thief thieves, calf calves,
scarf scarves, chief chiefs, roof roofs, belief beliefs, cliff cliffs, giraffe giraffes, potato potatoes,
tomato tomatoes, hero heroes, echo echoes, piano pianos, man men, fireman firemen, woman women, human humans,
German Germans, mouse mice, Mouse Mice, house houses, goose geese, mongoose mongooses, foot feet, tooth teeth,
child children, person people, ox oxen, box boxes, sheep sheep, deer deer, goldfish goldfish, dish dishes,
scissors scissors, trousers trousers, moose moose, series series, species species, stomach stomachs
"""


@pytest.mark.parametrize("pair", NOUNS.replace("\n", " ").split(","))
def test_plurals(pair: str):
    one, many = pair.split()
    assert pluralise(one) == many
    assert pluralise(f"small {one}") == f"small {many}"


def test_kinds_are_names_in_their_order(tmp_path: Path):
    kinds = "kinds: [Swiss army knife, penknife,  table  knife, cafe\u0301]"
    lexicon = read(tmp_path, SMALL.replace("plural: knives", kinds))
    assert lexicon.by_name["knife"].kinds == ("Swiss army knife", "penknife", "table knife", "caf\u00e9")
    assert lexicon.by_name["cat"].kinds == ()
    assert len(set(lexicon.concepts)) == 4


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(GolgiError, match=r"absent\.yaml"):
        load_lexicon(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("concept", "text", "found"),
    [
        ("cat", "Cats and a CAT, the cat's tail; concatenate, catsuit", ["Cats", "CAT", "cat"]),
        ("knife", "two knives, one knife", ["knives", "knife"]),
        ("fire engine", "a fire  engine and fire\nengines", ["fire  engine", "fire\nengines"]),
        ("fire engine", "a fire-engine, _fire engines_; fireengine", ["fire-engine", "fire engines"]),
    ],
)
def test_words_are_found_whole_in_any_case(small: Lexicon, concept: str, text: str, found: list[str]):
    assert word_pattern(small.by_name[concept]).findall(text) == found


def test_vowel_signs_are_part_of_a_word():
    pattern = word_pattern(Concept("ram", "राम", "राम", "person", "noun", "a man's name"))
    assert pattern.findall("राम और रामायण, किराम") == ["राम"]


def test_selection_follows_the_tree_and_the_order_of_the_file(small: Lexicon):
    assert [concept.name for concept in select(small)] == ["cat", "dog", "knife", "fire engine"]
    assert [concept.name for concept in select(small, ["thing"], ["knife", "cat"])] == ["cat", "knife"]
    assert [concept.name for concept in select(small, ["animal"])] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("categories", "only", "words"),
    [
        (["animals"], None, "category `animals` is not in the lexicon. Did you mean `animal`?"),
        (None, ["cot"], "concept `cot` is not in the lexicon. Did you mean `cat`?"),
        (["animal"], ["knife"], "concepts knife are not in the categories animal"),
    ],
)
def test_unknown_choices_are_named(small: Lexicon, categories, only, words: str):
    with pytest.raises(GolgiError) as caught:
        select(small, categories, only)
    assert words in str(caught.value)


def test_attribute_similarity_counts_shared_values(small: Lexicon):
    np.testing.assert_allclose(attribute_similarity(small, ["cat", "dog"]), [[1, 0.5], [0.5, 1]])
    with pytest.raises(GolgiError, match="knife"):
        attribute_similarity(small, ["cat", "knife"])


def test_tree_similarity_counts_shared_depth(small: Lexicon):
    expected = [[1, 2 / 3, 1 / 3], [2 / 3, 1, 1 / 3], [1 / 3, 1 / 3, 1]]
    np.testing.assert_allclose(tree_similarity(small, ["cat", "dog", "knife"]), expected)


WORLD = load_lexicon(MICROWORLD)
NAMES = [concept.name for concept in WORLD.concepts]


@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=8, unique=True))
def test_similarities_are_symmetric_and_bounded(names: list[str]):
    for similarity in (attribute_similarity, tree_similarity):
        matrix = similarity(WORLD, names)
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diag(matrix), 1)
        assert ((matrix >= 0) & (matrix <= 1)).all()


def test_microworld_is_graded_within_and_across_categories():
    category = np.array([concept.category for concept in WORLD.concepts])
    similarity = attribute_similarity(WORLD, NAMES)
    same = category[:, None] == category
    off_diagonal = ~np.eye(len(NAMES), dtype=bool)
    assert len(NAMES) >= 40
    assert (similarity[same & off_diagonal] > 0.1).all()
    assert (np.where(same, 0, similarity).max(1) > 0.08).all()
    assert similarity[same & off_diagonal].mean() > 4 * similarity[~same].mean()
    assert len(np.unique(similarity[~same].round(3))) > 20
