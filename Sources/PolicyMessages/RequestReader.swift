import PolicyInterface

/// Takes one field after another out of a request's message, and knows in the end which were left.
struct RequestReader {
    /// Keys that are not observations; a field of the policy of the same name goes before.
    static let (seed, noise, prediction) = ("seed", "noise", "prediction")
    static let (start, startShare) = ("start", "start_share")

    private let length: Int
    private var values: [String: MessagePackValue] = [:]
    private var repeated: [String] = []
    /// Values whose keys are no text, by what these are instead.
    private var nameless: Set<String> = []
    /// What the message holds, for messages about what it does not.
    private var keys: [String] = []

    /// Spreads out a message.
    /// - Throws: `MessageError` when it is no map, or a name is there twice or too long.
    init(_ message: MessagePackValue, horizon: Horizon) throws {
        length = horizon.observation
        guard case .map(let entries) = message, !NumPyArray.isArray(message) else {
            throw MessageError("message", expected: "a map of fields", found: message.kind)
        }
        try spread(entries, prefix: "")
        keys = values.keys.sorted()
    }

    /// Notes the values of a map, those of maps inside of it by paths.
    private mutating func spread(_ entries: [MessagePackValue.Entry], prefix: String) throws {
        for entry in entries {
            guard let key = entry.key.text else {
                nameless.insert("\(prefix)(\(entry.key.kind))")
                continue
            }
            // Each value inside of a map gets a path of its own, so that a long name would be there once for each.
            let bytes = prefix.utf8.count + key.utf8.count
            guard bytes <= FieldNames.longest else {
                throw MessageError(
                    "field \"\((prefix + key.legible(atMost: 60)).legible(atMost: 60))…\"",
                    expected: "a name of at most \(FieldNames.longest) bytes, with those of the maps around it",
                    found: "\(bytes)")
            }
            let path = prefix + key
            if case .map(let inner) = entry.value, !inner.isEmpty, !entry.value.isOfNumPy {
                try spread(inner, prefix: path + "/")
            } else if values.updateValue(entry.value, forKey: path) != nil {
                throw MessageError("field \"\(path.legible(atMost: 60))\"", expected: "one value", found: "two")
            }
        }
    }

    /// The vectors of a field, the oldest first.
    mutating func vectors(_ name: String, width: Int) throws -> [[Float]] {
        let array = try frames(name, shape: [width])
        return complete(array.floats.rows(of: width))
    }

    /// The vectors of a field in double precision, the oldest first.
    mutating func doubles(_ name: String, width: Int) throws -> [[Double]] {
        let array = try frames(name, shape: [width])
        return complete(array.doubles.rows(of: width))
    }

    /// The images of a camera, the oldest first.
    mutating func images(_ name: String, size: ImageSize) throws -> [RGBImage] {
        let array = try frames(name, shape: [size.height, size.width, 3])
        guard array.type == .byte else {
            throw MessageError(
                "field \"\(name)\"", expected: "pixels in bytes (dtype uint8)", found: "dtype \(array.type.name)")
        }
        let frames = stride(from: 0, to: array.data.count, by: size.count).map { start in
            RGBImage(
                width: size.width, height: size.height, pixels: Array(array.data[start..<start + size.count]))
        }
        return complete(frames)
    }

    /// The array of a field, of as many frames as there should be or of one without the first extent.
    private mutating func frames(_ name: String, shape: [Int]) throws -> NumPyArray {
        let place = "field \"\(name)\""
        guard let value = values.removeValue(forKey: name) else {
            let found = keys.prefix(20).map { $0.legible(atMost: 60) }
            throw MessageError(
                place, expected: "numbers of shape \([length] + shape)",
                found: found.isEmpty ? "an empty message" : "only \(found.joined(separator: ", "))")
        }
        let array = try NumPyArray(arrayOrList: value, at: place)
        if array.shape == [length] + shape { return array }
        guard array.shape == shape else {
            throw MessageError(
                place, expected: "shape \([length] + shape), or \(shape) for one frame", found: "\(array.shape)")
        }
        if length > 1 { repeated.append(name) }
        return array
    }

    /// A single frame stands for all.
    private func complete<Frame>(_ frames: [Frame]) -> [Frame] {
        frames.count == length ? frames : Array(repeating: frames[0], count: length)
    }

    /// The seed, if there is one.
    mutating func seed() throws -> UInt64? {
        switch values.removeValue(forKey: Self.seed)?.scalar {
        case nil, .null: return nil
        case .unsigned(let seed): return seed
        case .some(let value):
            throw MessageError(
                "field \"\(Self.seed)\"", expected: "a whole number in 0...\(UInt64.max)",
                found: value.wholeNumber.map { "\($0)" } ?? value.number.map { "\($0)" } ?? value.kind)
        }
    }

    /// The noise, if there is any.
    mutating func noise(shape: [Int]) throws -> [Float]? { try numbers(Self.noise, shape: shape)?.floats }

    /// The actions to start from, if there are any, with the share of the denoising that is left.
    mutating func start(shape: [Int]) throws -> WarmStart? {
        guard let array = try numbers(Self.start, shape: shape) else { return nil }
        let value = values.removeValue(forKey: Self.startShare)?.scalar
        guard let share = value?.number, share > 0, share <= 1 else {
            throw MessageError(
                "field \"\(Self.startShare)\"",
                expected: "which share of the denoising is left, a number above 0 and at most 1",
                found: value.map { $0.number.map { "\($0)" } ?? $0.kind } ?? "none")
        }
        let (actions, width) = (array.floats, shape[1])
        // Those that single precision holds need no second copy.
        let doubles = array.type.size == 8 ? array.doubles : []
        let isExact = zip(actions, doubles).allSatisfy { Double($0) == $1 }
        return WarmStart(
            actions: actions.rows(of: width), share: share, doubles: isExact ? nil : doubles.rows(of: width))
    }

    /// The numbers of a field that need not be there.
    private mutating func numbers(_ name: String, shape: [Int]) throws -> NumPyArray? {
        guard let value = values.removeValue(forKey: name), value != .null else { return nil }
        let place = "field \"\(name)\""
        let array = try NumPyArray(arrayOrList: value, at: place)
        guard array.shape == shape else {
            throw MessageError(place, expected: "shape \(shape)", found: "\(array.shape)")
        }
        guard array.floats.allSatisfy(\.isFinite) else {
            throw MessageError(place, expected: "finite numbers", found: "others")
        }
        return array
    }

    /// Whether everything that was predicted is wanted.
    mutating func wantsPrediction() throws -> Bool {
        switch values.removeValue(forKey: Self.prediction)?.scalar {
        case nil, .null: return false
        case .boolean(let isWanted): return isWanted
        case .some(let value):
            throw MessageError("field \"\(Self.prediction)\"", expected: "true or false", found: value.kind)
        }
    }

    /// What was taken otherwise than it came, and what was not taken.
    func finish() -> PolicyRequest.Remarks {
        PolicyRequest.Remarks(repeated: repeated, ignored: nameless.union(values.keys).sorted())
    }
}

extension Array {
    /// Rows of one length.
    func rows(of width: Int) -> [[Element]] {
        stride(from: 0, to: count, by: width).map { Array(self[$0..<$0 + width]) }
    }
}
