import DPBase
public import DPInterface

/// The metadata of a policy that a server sends to each client when it connects.
///
/// ```swift
/// let metadata = try PolicyClient(ServerAddress("ws://10.0.0.2:8000")).metadata
/// print("\(metadata.name) observes \(metadata.observations.features.map(\.name))")
/// print("requests have \(metadata.horizon.observation) observations and at most \(metadata.requestBytes) bytes")
/// ```
public struct PolicyMetadata: Sendable, Equatable {
    /// The name of the policy.
    public var name: String
    /// The observations of the policy; the size of each feature and image is known.
    public var observations: ObservationSchema
    /// The number of components of an action.
    public var actionDimension: Int
    /// The number of observations in a request and of actions in its response.
    public var horizon: Horizon
    /// The task that the policy was trained for, such as `pusht`; nil if unknown.
    public var task: String?
    /// The features with numbers that single precision cannot hold.
    public var doubleFeatures: Set<String>
    /// The ranges of the observations in the training data, with which the server detects observations far outside
    /// them; nil if unknown.
    ///
    /// They are not sent to clients.
    package var demonstratedRanges: TrainingRanges?

    /// Creates metadata.
    /// - Precondition: the size of each feature and image is known, as in the configuration of a trained policy.
    public init(
        name: String, observations: ObservationSchema, actionDimension: Int, horizon: Horizon, task: String? = nil,
        doubleFeatures: Set<String> = []
    ) {
        precondition(
            observations.dimension != nil && observations.images.allSatisfy { $0.size != nil },
            "a schema that was not resolved: \(observations)")
        self.name = name
        self.observations = observations
        self.actionDimension = actionDimension
        self.horizon = horizon
        self.task = task
        self.doubleFeatures = doubleFeatures
    }

    /// Returns the element type that a feature should have in a request.
    func type(of feature: String, isImage: Bool) -> String {
        isImage ? "uint8" : doubleFeatures.contains(feature) ? "float64" : "float32"
    }

    /// The features of a request, each once, in the order of their names: the policy's name for it, its shape
    /// without the first extent, and whether it is an image.
    var features: [(name: String, shape: [Int], isImage: Bool)] {
        var sizes: [String: Int] = [:]
        for feature in observations.features {
            sizes[feature.name] = max(sizes[feature.name] ?? 0, feature.size ?? feature.minimumSize ?? 0)
        }
        let images = observations.images.map { image in
            (image.name, [image.size?.height ?? 0, image.size?.width ?? 0, 3], true)
        }
        return (sizes.map { ($0.key, [$0.value], false) } + images).sorted { $0.0 < $1.0 }
    }

    /// The largest size of a request in bytes: each number in MessagePack's longest form, each image in raw bytes,
    /// and space for names.
    public var requestBytes: Int {
        let features = features.reduce(0) { sum, feature in
            let numbers = horizon.observation * feature.shape.reduce(1, *)
            return sum + FeatureNames.longest + 64 + (feature.isImage ? numbers : 9 * numbers)
        }
        // The last term is for noise and start, which are optional.
        return 1024 + features + 2 * 9 * horizon.prediction * actionDimension
    }

    /// Returns the message: `name`, `horizon`, `action_dimension`, `message_bytes`, and `observations`, which
    /// describes each key of a request; and `task`, if the policy has one.
    /// - Parameter messageBytes: the largest message that the server accepts; left out if nil.
    package func message(_ names: FeatureNames = FeatureNames(), messageBytes: Int? = nil) -> MessagePackValue {
        let features = features.map { feature in
            MessagePackValue.Entry(
                .string(names.inMessages(feature.name)),
                .map([
                    .init("feature", .string(feature.name)),
                    .init("shape", .array(([horizon.observation] + feature.shape).map { .integer($0) })),
                    .init("dtype", .string(type(of: feature.name, isImage: feature.isImage))),
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
            .init("action_dimension", .integer(actionDimension)), .init("observations", .map(features)),
        ]
        if let messageBytes { entries.append(.init("message_bytes", .integer(messageBytes))) }
        if let task { entries.append(.init("task", .string(task))) }
        return .map(entries)
    }

    /// Lengths and sizes that are accepted: the range that policies support.
    private static let supported = 1...65_536

    /// The accepted total of numbers in a request: 4 GiB in float32.
    private static let mostNumbers = 0x1p30

    /// Reads the metadata message of a server, and the names of features in messages to it.
    /// - Throws: `InputError` when something is missing or out of range.
    package static func read(_ message: MessagePackValue) throws -> (metadata: PolicyMetadata, names: FeatureNames) {
        func count(_ value: MessagePackValue?, _ place: String) throws -> Int {
            guard let count = value?.wholeNumber, supported.contains(count) else {
                throw InputError(
                    at: "metadata, \(place)", expected: "a number in \(supported)", found: value?.kind ?? "none",
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
            throw InputError(
                at: "metadata, observations", expected: "a map", found: message["observations"]?.kind ?? "none")
        }
        var schema = ObservationSchema()
        var names: [String: String] = [:]
        var doubleFeatures: Set<String> = []
        for entry in entries {
            guard let name = entry.key.text, case .array(let extents)? = entry.value["shape"] else {
                throw InputError(
                    at: "metadata, observations", expected: "features with shapes", found: entry.value.kind)
            }
            let feature = (entry.value["feature"] ?? entry.value["field"])?.text ?? name
            guard max(name.utf8.count, feature.utf8.count) <= FeatureNames.longest else {
                throw InputError(
                    at: "metadata, observations", expected: "names of at most \(FeatureNames.longest) bytes",
                    found: "\(max(name.utf8.count, feature.utf8.count))")
            }
            names[feature] = name
            if entry.value["dtype"]?.text == "float64" { doubleFeatures.insert(feature) }
            let shape = try extents.map { try count($0, "shape of \(name)") }
            if shape.count == 2 {
                schema.features.append(FeatureSelection(feature, size: shape[1]))
            } else if shape.count == 4, shape[3] == 3 {
                schema.images.append(ImageSelection(feature, size: ImageSize(height: shape[1], width: shape[2])))
            } else {
                throw InputError(
                    at: "metadata, shape of \(name)", expected: "[To, size] or [To, height, width, 3]",
                    found: "\(shape)")
            }
        }
        let metadata = PolicyMetadata(
            name: message["name"]?.text ?? "", observations: schema,
            actionDimension: try count(message["action_dimension"], "action_dimension"), horizon: horizon,
            task: message["task"]?.text, doubleFeatures: doubleFeatures)
        let numbers = metadata.features.reduce(0) {
            $0 + $1.shape.reduce(Double(horizon.observation)) { $0 * Double($1) }
        }
        guard numbers <= mostNumbers else {
            throw InputError(
                at: "metadata, observations", expected: "requests of at most \(mostNumbers) numbers",
                found: "\(numbers)")
        }
        return (metadata, FeatureNames(names))
    }
}

extension MessagePackValue.Entry {
    /// Creates an entry with a text key.
    init(_ key: String, _ value: MessagePackValue) { self.init(.string(key), value) }
}
