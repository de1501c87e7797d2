import DPBase
import DPInterface

/// A reader that takes the keys of a request one by one, and reports the remaining ones at the end.
struct RequestReader {
    /// Keys that are not observations; a feature of the policy with the same name takes precedence.
    static let (seed, noise, prediction) = ("seed", "noise", "prediction")
    static let (start, startStrength) = ("start", "start_strength")

    private let length: Int
    private var values: [String: MessagePackValue] = [:]
    private var repeated: [String] = []
    /// Descriptions of the keys that are not text.
    private var nameless: Set<String> = []
    /// The keys of the message, for error messages.
    private var keys: [String] = []

    /// Flattens a message.
    /// - Throws: `InputError` when the message is not a map, or a name is repeated or too long.
    init(_ message: MessagePackValue, horizon: Horizon) throws {
        length = horizon.observation
        guard case .map(let entries) = message, !NumPyArray.isArray(message) else {
            throw InputError(at: "message", expected: "a map", found: message.kind)
        }
        try spread(entries, prefix: "")
        keys = values.keys.sorted()
    }

    /// Stores the values of a map; those of nested maps get paths as keys.
    private mutating func spread(_ entries: [MessagePackValue.Entry], prefix: String) throws {
        for entry in entries {
            guard let key = entry.key.text else {
                nameless.insert("\(prefix)(\(entry.key.kind))")
                continue
            }
            // Each value in a nested map gets its own path, which would copy a long name for each of them.
            let bytes = prefix.utf8.count + key.utf8.count
            guard bytes <= FeatureNames.longest else {
                throw InputError(
                    at: "key \"\((prefix + key.legible(atMost: 60)).legible(atMost: 60))…\"",
                    expected: "a name of at most \(FeatureNames.longest) bytes, including the names of enclosing maps",
                    found: "\(bytes)")
            }
            let path = prefix + key
            if case .map(let inner) = entry.value, !inner.isEmpty, !entry.value.isOfNumPy {
                try spread(inner, prefix: path + "/")
            } else if values.updateValue(entry.value, forKey: path) != nil {
                throw InputError(at: "key \"\(path.legible(atMost: 60))\"", expected: "one value", found: "two")
            }
        }
    }

    /// Takes the vectors of a feature, the oldest first.
    mutating func vectors(_ name: String, width: Int) throws -> [[Float]] {
        let array = try frames(name, shape: [width])
        return complete(array.floats.rows(of: width))
    }

    /// Takes the vectors of a feature in double precision, the oldest first.
    mutating func doubles(_ name: String, width: Int) throws -> [[Double]] {
        let array = try frames(name, shape: [width])
        return complete(array.doubles.rows(of: width))
    }

    /// Takes the images of a camera, the oldest first.
    mutating func images(_ name: String, size: ImageSize) throws -> [RGBImage] {
        let array = try frames(name, shape: [size.height, size.width, 3])
        guard array.type == .byte else {
            throw InputError(
                at: "key \"\(name)\"", expected: "pixels in bytes (dtype uint8)", found: "dtype \(array.type.name)")
        }
        let frames = stride(from: 0, to: array.data.count, by: size.count).map { start in
            RGBImage(
                width: size.width, height: size.height, pixels: Array(array.data[start..<start + size.count]))
        }
        return complete(frames)
    }

    /// Takes the array of a feature, with all frames or with a single frame without the first extent.
    private mutating func frames(_ name: String, shape: [Int]) throws -> NumPyArray {
        let place = "key \"\(name)\""
        guard let value = values.removeValue(forKey: name) else {
            let found = keys.prefix(20).map { $0.legible(atMost: 60) }
            throw InputError(
                at: place, expected: "numbers of shape \([length] + shape)",
                found: found.isEmpty ? "an empty message" : "only \(found.joined(separator: ", "))")
        }
        let array = try NumPyArray(arrayOrList: value, at: place)
        if array.shape == [length] + shape { return array }
        guard array.shape == shape else {
            throw InputError(
                at: place, expected: "shape \([length] + shape), or \(shape) for one frame", found: "\(array.shape)")
        }
        if length > 1 { repeated.append(name) }
        return array
    }

    /// Returns the frames, or copies of a single frame.
    private func complete<Frame>(_ frames: [Frame]) -> [Frame] {
        frames.count == length ? frames : Array(repeating: frames[0], count: length)
    }

    /// Takes the seed, if there is one.
    mutating func seed() throws -> UInt64? {
        switch values.removeValue(forKey: Self.seed)?.scalar {
        case nil, .null: return nil
        case .unsigned(let seed): return seed
        case .some(let value):
            throw InputError(
                at: "key \"\(Self.seed)\"", expected: "a whole number in 0...\(UInt64.max)",
                found: value.wholeNumber.map { "\($0)" } ?? value.number.map { "\($0)" } ?? value.kind)
        }
    }

    /// Takes the noise, if there is any.
    mutating func noise(shape: [Int]) throws -> [Float]? { try numbers(Self.noise, shape: shape)?.floats }

    /// Takes the actions to start from, if there are any, with the strength of the warm start.
    mutating func start(shape: [Int]) throws -> WarmStart? {
        guard let array = try numbers(Self.start, shape: shape) else { return nil }
        let value = values.removeValue(forKey: Self.startStrength)?.scalar
        guard let strength = value?.number, strength > 0, strength <= 1 else {
            throw InputError(
                at: "key \"\(Self.startStrength)\"",
                expected: "the strength of the warm start, a number above 0 and at most 1",
                found: value.map { $0.number.map { "\($0)" } ?? $0.kind } ?? "none")
        }
        let (actions, width) = (array.floats, shape[1])
        // Numbers that single precision can hold need no second copy.
        let doubles = array.type.size == 8 ? array.doubles : []
        let isExact = zip(actions, doubles).allSatisfy { Double($0) == $1 }
        return WarmStart(
            actions: actions.rows(of: width), strength: strength, doubles: isExact ? nil : doubles.rows(of: width))
    }

    /// Takes the numbers of an optional key.
    private mutating func numbers(_ name: String, shape: [Int]) throws -> NumPyArray? {
        guard let value = values.removeValue(forKey: name), value != .null else { return nil }
        let place = "key \"\(name)\""
        let array = try NumPyArray(arrayOrList: value, at: place)
        guard array.shape == shape else {
            throw InputError(at: place, expected: "shape \(shape)", found: "\(array.shape)")
        }
        guard array.floats.allSatisfy(\.isFinite) else {
            throw InputError(at: place, expected: "finite numbers", found: "infinity or NaN")
        }
        return array
    }

    /// Takes whether the client requests all predicted actions.
    mutating func wantsPrediction() throws -> Bool {
        switch values.removeValue(forKey: Self.prediction)?.scalar {
        case nil, .null: return false
        case .boolean(let isWanted): return isWanted
        case .some(let value):
            throw InputError(at: "key \"\(Self.prediction)\"", expected: "true or false", found: value.kind)
        }
    }

    /// Returns remarks on repeated frames and ignored keys.
    func finish() -> PolicyRequest.Remarks {
        PolicyRequest.Remarks(repeated: repeated, ignored: nameless.union(values.keys).sorted())
    }
}

extension Array {
    /// Returns the elements in rows of equal length.
    func rows(of width: Int) -> [[Element]] {
        stride(from: 0, to: count, by: width).map { Array(self[$0..<$0 + width]) }
    }
}
