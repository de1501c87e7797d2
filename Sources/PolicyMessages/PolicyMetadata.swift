public import PolicyInterface

/// What a server tells of its policy as soon as a robot connects.
public struct PolicyMetadata: Sendable, Equatable {
    /// What the policy is called.
    public var name: String
    /// What the policy looks at; the width of each field and the size of each image are known.
    public var observations: ObservationSchema
    /// Components of an action.
    public var actionDimension: Int
    /// How many observations a request holds, and how many actions its answer.
    public var horizon: Horizon
    /// The task that the policy was trained for, such as `pusht`; nil if it names none.
    public var task: String?
    /// The fields of which single precision cannot hold the numbers.
    public var doubleFields: Set<String>
    /// What observations ranged over in the demonstrations, by which the server notices those that lie far from them; nil if it is not known.
    ///
    /// Robots are not told.
    public var demonstratedRanges: DemonstratedRanges?

    /// What there is to tell of a policy.
    /// - Precondition: the width of each field and the size of each image are known.
    public init(
        name: String, observations: ObservationSchema, actionDimension: Int, horizon: Horizon, task: String? = nil,
        doubleFields: Set<String> = [], demonstratedRanges: DemonstratedRanges? = nil
    ) {
        precondition(
            observations.dimension != nil && observations.images.allSatisfy { $0.size != nil },
            "a schema that was not resolved: \(observations)")
        self.name = name
        self.observations = observations
        self.actionDimension = actionDimension
        self.horizon = horizon
        self.task = task
        self.doubleFields = doubleFields
        self.demonstratedRanges = demonstratedRanges
    }

    /// What the numbers of a field should be in a request.
    func type(of field: String, isImage: Bool) -> String {
        isImage ? "uint8" : doubleFields.contains(field) ? "float64" : "float32"
    }

    /// The fields of a request by the policy's names, each once: what it is and its shape without the first extent, in the order of names.
    var fields: [(name: String, shape: [Int], isImage: Bool)] {
        var widths: [String: Int] = [:]
        for field in observations.fields {
            widths[field.name] = max(widths[field.name] ?? 0, field.width ?? field.leastWidth ?? 0)
        }
        let images = observations.images.map { image in
            (image.name, [image.size?.height ?? 0, image.size?.width ?? 0, 3], true)
        }
        return (widths.map { ($0.key, [$0.value], false) } + images).sorted { $0.0 < $1.0 }
    }

    /// How many bytes a request may have: every number as MessagePack's longest one, every image as its bytes, and room for names.
    public var requestBytes: Int {
        let fields = fields.reduce(0) { sum, field in
            let numbers = horizon.observation * field.shape.reduce(1, *)
            return sum + FieldNames.longest + 64 + (field.isImage ? numbers : 9 * numbers)
        }
        // Noise and start, if they are given.
        return 1024 + fields + 2 * 9 * horizon.prediction * actionDimension
    }

    /// The message: `name`, `horizon`, `action_dimension`, `message_bytes`, and `observations`, which holds what a request has to hold, by names of
    /// messages; and `task` if the policy names one.
    /// - Parameter messageBytes: how long a message to the server may be; not told if nil.
    public func message(_ names: FieldNames = FieldNames(), messageBytes: Int? = nil) -> MessagePackValue {
        let fields = fields.map { field in
            MessagePackValue.Entry(
                .string(names.inMessages(field.name)),
                .map([
                    .init("field", .string(field.name)),
                    .init("shape", .array(([horizon.observation] + field.shape).map { .integer($0) })),
                    .init("dtype", .string(type(of: field.name, isImage: field.isImage))),
                ]))
        }
        var entries: [MessagePackValue.Entry] = [
            .init("name", .string(name)),
            .init(
                "horizon",
                .map([
                    .init("observation", .integer(horizon.observation)),
                    .init("prediction", .integer(horizon.prediction)), .init("action", .integer(horizon.action)),
                ])),
            .init("action_dimension", .integer(actionDimension)), .init("observations", .map(fields)),
        ]
        if let messageBytes { entries.append(.init("message_bytes", .integer(messageBytes))) }
        if let task { entries.append(.init("task", .string(task))) }
        return .map(entries)
    }

    /// Lengths and widths that are believed: as many as policies support.
    private static let supported = 1...65_536

    /// Numbers of a request that are believed: 4 GiB in float32.
    private static let mostNumbers = 0x1p30

    /// Reads what a server told, and how fields are called in messages to it.
    /// - Throws: `MessageError` when something is missing or out of range.
    public static func read(_ message: MessagePackValue) throws -> (metadata: PolicyMetadata, names: FieldNames) {
        func count(_ value: MessagePackValue?, _ place: String) throws -> Int {
            guard let count = value?.wholeNumber, supported.contains(count) else {
                throw MessageError(
                    "metadata, \(place)", expected: "a number in \(supported)", found: value?.kind ?? "none",
                    hint: "is it a server of this project?")
            }
            return count
        }
        let horizon = Horizon(
            observation: try count(message["horizon"]?["observation"], "horizon.observation"),
            prediction: try count(message["horizon"]?["prediction"], "horizon.prediction"),
            action: try count(message["horizon"]?["action"], "horizon.action"))
        try horizon.validate()
        guard case .map(let entries)? = message["observations"] else {
            throw MessageError(
                "metadata, observations", expected: "a map", found: message["observations"]?.kind ?? "none")
        }
        var schema = ObservationSchema()
        var names: [String: String] = [:]
        var doubleFields: Set<String> = []
        for entry in entries {
            guard let name = entry.key.text, case .array(let extents)? = entry.value["shape"] else {
                throw MessageError("metadata, observations", expected: "fields with shapes", found: entry.value.kind)
            }
            let field = entry.value["field"]?.text ?? name
            guard max(name.utf8.count, field.utf8.count) <= FieldNames.longest else {
                throw MessageError(
                    "metadata, observations", expected: "names of at most \(FieldNames.longest) bytes",
                    found: "\(max(name.utf8.count, field.utf8.count))")
            }
            names[field] = name
            if entry.value["dtype"]?.text == "float64" { doubleFields.insert(field) }
            let shape = try extents.map { try count($0, "shape of \(name)") }
            if shape.count == 2 {
                schema.fields.append(FieldSelection(field, width: shape[1]))
            } else if shape.count == 4, shape[3] == 3 {
                schema.images.append(ImageSelection(field, size: ImageSize(height: shape[1], width: shape[2])))
            } else {
                throw MessageError(
                    "metadata, shape of \(name)", expected: "[To, width] or [To, height, width, 3]", found: "\(shape)")
            }
        }
        let metadata = PolicyMetadata(
            name: message["name"]?.text ?? "", observations: schema,
            actionDimension: try count(message["action_dimension"], "action_dimension"), horizon: horizon,
            task: message["task"]?.text, doubleFields: doubleFields)
        let numbers = metadata.fields.reduce(0) {
            $0 + $1.shape.reduce(Double(horizon.observation)) { $0 * Double($1) }
        }
        guard numbers <= mostNumbers else {
            throw MessageError(
                "metadata, observations", expected: "requests of at most \(mostNumbers) numbers", found: "\(numbers)")
        }
        return (metadata, FieldNames(names))
    }
}

extension MessagePackValue.Entry {
    /// A key that is text with its value.
    init(_ key: String, _ value: MessagePackValue) { self.init(.string(key), value) }
}
