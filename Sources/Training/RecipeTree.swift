import Yams

/// A YAML document as a tree: what overrides change, recipes are decoded from and differences are looked for in.
struct RecipeTree: Equatable {
    enum Content: Equatable {
        /// A text or number; `isQuoted` tells `"null"`, a text, from `null`, nothing.
        case scalar(String, isQuoted: Bool)
        case sequence([RecipeTree])
        case mapping([Entry])
    }

    struct Entry: Equatable {
        var key: String
        var value: RecipeTree
    }

    var content: Content
    /// Where it stands, as errors name it: "recipe.yaml:12" or "--set".
    var place: String

    static func == (left: RecipeTree, right: RecipeTree) -> Bool { left.content == right.content }

    // Far more than any recipe needs. A short text can stand for an immense document, by aliases of lists of aliases; the parser itself
    // walks through all of it where they are keys, which is why they are counted in the text already.
    static let largestText = 1_000_000
    private static let mostAliases = 16
    private static let mostNodes = 20_000

    /// Parses a document; aliases stand for what they refer to.
    init(yaml: String, place: String, countsLines: Bool = true) throws {
        func check(_ count: Int, _ limit: Int, _ what: String) throws {
            guard count > limit else { return }
            throw RecipeError(place: place, key: nil, expected: "at most \(limit) \(what)", found: "\(count)")
        }
        try check(yaml.utf8.count, Self.largestText, "bytes")
        let aliases = zip(yaml.utf8, yaml.utf8.dropFirst()).count { $0 == UInt8(ascii: "*") && $1 > UInt8(ascii: " ") }
        try check(aliases, Self.mostAliases, "aliases (*name)")
        let node: Node?
        do { node = try compose(yaml: yaml) } catch {
            throw RecipeError(unreadable: error, place: place, countsLines: countsLines)
        }
        var budget = Self.mostNodes
        self =
            try node.map { try RecipeTree($0, place: place, countsLines: countsLines, budget: &budget) }
            ?? .null(place: place)
    }

    init(_ content: Content, place: String) {
        self.content = content
        self.place = place
    }

    private init(_ node: Node, place file: String, countsLines: Bool, budget: inout Int) throws {
        place = countsLines ? node.mark.map { "\(file):\($0.line)" } ?? file : file
        budget -= 1
        guard budget >= 0 else {
            throw RecipeError(
                place: place, key: nil, expected: "at most \(Self.mostNodes) values",
                found: "more, aliases counted in full")
        }
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isQuoted: scalar.style == .singleQuoted || scalar.style == .doubleQuoted)
        case .sequence(let sequence):
            content = .sequence(
                try sequence.map { try RecipeTree($0, place: file, countsLines: countsLines, budget: &budget) })
        case .mapping(let mapping):
            content = .mapping(
                try mapping.map { key, value in
                    guard let name = key.scalar?.string else {
                        throw RecipeError(place: file, key: nil, expected: "a text as key", found: "a list or mapping")
                    }
                    return Entry(
                        key: name,
                        value: try RecipeTree(value, place: file, countsLines: countsLines, budget: &budget))
                })
        case .alias:
            throw RecipeError(place: place, key: nil, expected: "an alias of something", found: "an alias of nothing")
        }
    }

    static func null(place: String) -> RecipeTree { RecipeTree(.scalar("null", isQuoted: false), place: place) }

    /// Whether it stands for the absence of a value.
    var isNull: Bool {
        if case .scalar(let text, isQuoted: false) = content { return ["null", "~", ""].contains(text) }
        return false
    }

    /// The value under a key of a mapping.
    subscript(key: String) -> RecipeTree? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// A few words for errors.
    var summary: String {
        switch content {
        case .scalar(let text, let isQuoted): isNull ? "null" : isQuoted ? "the text \"\(text)\"" : text
        case .sequence(let items) where items.count <= 8: "[\(items.map(\.summary).joined(separator: ", "))]"
        case .sequence(let items): "a list of \(items.count)"
        case .mapping(let entries): "a mapping of \(entries.map(\.key).prefix(8).joined(separator: ", "))"
        }
    }

    /// The document as text: lists of plain values on one line, everything else on a line of its own.
    func yaml() throws -> String { try serialize(node: node, width: -1, allowUnicode: true) }

    private var node: Node {
        switch content {
        case .scalar(let text, let isQuoted):
            return Node(text, .implicit, isQuoted ? .doubleQuoted : .plain)
        case .sequence(let items):
            let isFlat = items.allSatisfy { if case .scalar = $0.content { true } else { false } }
            return Node(items.map(\.node), .implicit, isFlat ? .flow : .block)
        case .mapping(let entries):
            return Node(
                entries.map { (Node($0.key), $0.value.node) }, .implicit, entries.isEmpty ? .flow : .block)
        }
    }
}

extension RecipeTree {
    /// Replaces the value at a path of keys, making mappings on the way where there is nothing.
    mutating func set(_ path: ArraySlice<String>, to value: RecipeTree, key: String) throws {
        guard let name = path.first else {
            self = value
            return
        }
        let rest = path.dropFirst()
        switch content {
        case .mapping(var entries):
            let index = entries.firstIndex { $0.key == name } ?? entries.endIndex
            if index == entries.endIndex { entries.append(Entry(key: name, value: .null(place: value.place))) }
            try entries[index].value.set(rest, to: value, key: key)
            content = .mapping(entries)
        case .sequence(var items):
            guard let index = Int(name), items.indices.contains(index) else {
                throw RecipeError(
                    place: value.place, key: key, expected: "an index in 0..<\(items.count)", found: "\"\(name)\"")
            }
            try items[index].set(rest, to: value, key: key)
            content = .sequence(items)
        case .scalar where isNull:
            self = RecipeTree(.mapping([]), place: value.place)
            try set(path, to: value, key: key)
        case .scalar:
            throw RecipeError(
                place: value.place, key: key, expected: "a mapping above \"\(name)\"", found: summary,
                hint: "set the whole: \(key.dropLast(path.joined(separator: ".").count + 1))={…}")
        }
    }

    /// Gives a mapping a value for a key that it does not have; where there is no mapping at the path, nothing is changed.
    mutating func addDefault(_ text: String, for key: String, in path: [String]) throws {
        let mapping = path.reduce(self as RecipeTree?) { $0?[$1] }
        guard let mapping, case .mapping = mapping.content, mapping[key] == nil else { return }
        let value = RecipeTree(.scalar(text, isQuoted: false), place: mapping.place)
        try set((path + [key])[...], to: value, key: key)
    }

    /// The paths at which two trees differ, with both values.
    func differences(from other: RecipeTree, path: [String] = []) -> [(key: String, here: String, there: String)] {
        guard self != other else { return [] }
        guard case .mapping(let entries) = content, case .mapping(let others) = other.content else {
            return [(path.joined(separator: "."), summary, other.summary)]
        }
        let keys = entries.map(\.key) + others.map(\.key).filter { self[$0] == nil }
        return keys.flatMap { key in
            (self[key] ?? .null(place: place)).differences(
                from: other[key] ?? .null(place: other.place), path: path + [key])
        }
    }
}

extension RecipeError {
    /// What the parser says of text that is no YAML, in one line.
    fileprivate init(unreadable error: any Error, place: String, countsLines: Bool) {
        let (line, problem): (Int?, String) =
            switch error as? YamlError {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                (mark.line, problem)
            case .duplicatedKeysInMapping(let keys, let context):
                (context.mark.line, "a mapping with \(keys.joined(separator: ", ")) more than once")
            case .reader(let problem, _, _, _): (nil, problem)
            default: (nil, "something else")
            }
        self.init(
            place: countsLines ? line.map { "\(place):\($0)" } ?? place : place, key: nil, expected: "YAML",
            found: problem)
    }
}
