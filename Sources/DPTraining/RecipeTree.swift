import DPBase
import DPGraph
import Yams

/// A YAML document as a tree, used for overrides, decoding and comparison.
struct RecipeTree: Equatable {
    enum Content: Equatable {
        /// A text or number; `isQuoted` distinguishes the text `"null"` from `null`, no value.
        case scalar(String, isQuoted: Bool)
        case sequence([RecipeTree])
        case mapping([Entry])
    }

    struct Entry: Equatable {
        var key: String
        var value: RecipeTree
    }

    var content: Content
    /// The location to use in errors: "recipe.yaml:12" or "--set".
    var place: String

    static func == (left: RecipeTree, right: RecipeTree) -> Bool { left.content == right.content }

    // These limits are far above any recipe's needs. Through aliases of lists of aliases, a short text can stand
    // for an immense document. The parser itself expands aliases in keys, so they are counted in the text first.
    static let largestText = 1_000_000
    private static let mostAliases = 16
    private static let mostNodes = 20_000

    /// Parses a document and expands aliases.
    init(yaml: String, place: String, countsLines: Bool = true) throws {
        func check(_ count: Int, _ limit: Int, _ what: String) throws {
            guard count > limit else { return }
            throw InputError(at: place, expected: "at most \(limit) \(what)", found: "\(count)")
        }
        try check(yaml.utf8.count, Self.largestText, "bytes")
        let aliases = zip(yaml.utf8, yaml.utf8.dropFirst()).count { $0 == UInt8(ascii: "*") && $1 > UInt8(ascii: " ") }
        try check(aliases, Self.mostAliases, "aliases (*name)")
        let node: Yams.Node?
        do { node = try compose(yaml: yaml) } catch {
            throw InputError(unreadable: error, place: place, countsLines: countsLines)
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

    private init(_ node: Yams.Node, place file: String, countsLines: Bool, budget: inout Int) throws {
        place = countsLines ? node.mark.map { "\(file):\($0.line)" } ?? file : file
        budget -= 1
        guard budget >= 0 else {
            throw InputError(
                at: place, expected: "at most \(Self.mostNodes) values",
                found: "more, with aliases expanded")
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
                        throw InputError(at: file, expected: "a text as key", found: "a list or mapping")
                    }
                    return Entry(
                        key: name,
                        value: try RecipeTree(value, place: file, countsLines: countsLines, budget: &budget))
                })
        case .alias:
            throw InputError(at: place, expected: "an alias of an anchor", found: "an unknown alias")
        }
    }

    static func null(place: String) -> RecipeTree { RecipeTree(.scalar("null", isQuoted: false), place: place) }

    /// Whether this is the absence of a value.
    var isNull: Bool {
        if case .scalar(let text, isQuoted: false) = content { return ["null", "~", ""].contains(text) }
        return false
    }

    /// The value for a key of a mapping.
    subscript(key: String) -> RecipeTree? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// A short description for errors.
    var summary: String {
        switch content {
        case .scalar(let text, let isQuoted): isNull ? "null" : isQuoted ? "the text \"\(text)\"" : text
        case .sequence(let items) where items.count <= 8: "[\(items.map(\.summary).joined(separator: ", "))]"
        case .sequence(let items): "a list of \(items.count)"
        case .mapping(let entries): "a mapping of \(entries.map(\.key).prefix(8).joined(separator: ", "))"
        }
    }

    /// Returns the document as text: lists of plain values on one line, everything else on separate lines.
    func yaml() throws -> String { try serialize(node: node, width: -1, allowUnicode: true) }

    private var node: Yams.Node {
        switch content {
        case .scalar(let text, let isQuoted):
            return Yams.Node(text, .implicit, isQuoted ? .doubleQuoted : .plain)
        case .sequence(let items):
            let isFlat = items.allSatisfy { if case .scalar = $0.content { true } else { false } }
            return Yams.Node(items.map(\.node), .implicit, isFlat ? .flow : .block)
        case .mapping(let entries):
            return Yams.Node(
                entries.map { (Yams.Node($0.key), $0.value.node) }, .implicit, entries.isEmpty ? .flow : .block)
        }
    }
}

extension RecipeTree {
    /// Replaces the value at a path of keys, creating missing mappings along the path.
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
                throw InputError(
                    at: value.place, key: key, expected: "an index in 0..<\(items.count)", found: "\"\(name)\"")
            }
            try items[index].set(rest, to: value, key: key)
            content = .sequence(items)
        case .scalar where isNull:
            self = RecipeTree(.mapping([]), place: value.place)
            try set(path, to: value, key: key)
        case .scalar:
            throw InputError(
                at: value.place, key: key, expected: "a mapping above \"\(name)\"", found: summary,
                hint: "set the whole: \(key.dropLast(path.joined(separator: ".").count + 1))={…}")
        }
    }

    /// Adds a value for a missing key of a mapping; does nothing if there is no mapping at the path.
    mutating func addDefault(_ text: String, for key: String, in path: [String]) throws {
        let mapping = path.reduce(self as RecipeTree?) { $0?[$1] }
        guard let mapping, case .mapping = mapping.content, mapping[key] == nil else { return }
        let value = RecipeTree(.scalar(text, isQuoted: false), place: mapping.place)
        try set((path + [key])[...], to: value, key: key)
    }

    /// Returns the paths at which two trees differ, with both values.
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

extension InputError {
    /// Creates an error from the parser's message for invalid YAML, in one line.
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
            at: countsLines ? line.map { "\(place):\($0)" } ?? place : place, expected: "YAML",
            found: problem)
    }
}
