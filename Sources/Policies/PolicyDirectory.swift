public import Foundation
import MachineResources
import TensorFiles
public import TensorGraph

/// A policy as plain data: what a policy directory holds.
public struct StoredPolicy: Sendable, Equatable {
    /// What the policy sees, commands and computes.
    public var configuration: PolicyConfiguration
    /// Between raw units and those of the network.
    public var normaliser: Normaliser
    /// The flat vector that the table of the configuration's `DiffusionModel` describes.
    public var weights: [Float]
    /// Where the policy came from, as free text by key: recipe, seed, steps.
    public var origin: [String: String]
    /// The task that the policy was trained for, if it has a simulator here.
    public var task: PolicyTask?

    /// A policy from its parts.
    public init(
        configuration: PolicyConfiguration, normaliser: Normaliser, weights: [Float], origin: [String: String] = [:],
        task: PolicyTask? = nil
    ) {
        self.configuration = configuration
        self.normaliser = normaliser
        self.weights = weights
        self.origin = origin
        self.task = task
    }
}

/// A policy on disk: `policy.json`, and `model.safetensors` with the weights under their PyTorch names.
///
/// Weights that another program wrote are welcome as long as names and shapes are right. Weights written here carry a fingerprint that
/// the document repeats, so that files of two exports are never taken for one policy, and the document has their checksum, so that damage is noticed.
public struct PolicyDirectory: Sendable {
    /// The folder.
    public let url: URL

    private var documentURL: URL { url.appendingPathComponent("policy.json") }
    private var weightsURL: URL { url.appendingPathComponent("model.safetensors") }

    /// The policy in a folder, which need not be there yet.
    public init(_ url: URL) { self.url = url }

    /// Reads what the policy is, without its weights.
    /// - Throws: `TensorFileError` or `FileSystemError`, which name the file and the key.
    public func document() throws -> PolicyDocument {
        let file = documentURL.path
        guard try PathKind(at: file) != nil else {
            throw TensorFileError(
                file: url.path, expected: "a policy directory with policy.json and model.safetensors",
                found: "no policy.json")
        }
        return try PolicyDocument(decoding: readFile(at: documentURL, limit: Self.largestDocument), file: file)
    }

    /// Reads the policy; every name and shape is checked before memory is taken for the weights.
    /// - Throws: `TensorFileError` or `FileSystemError`, which name the file, the key, what was expected and what was found.
    public func read() throws -> StoredPolicy {
        let document = try document()
        let model = try DiffusionModel(document.configuration)
        let file = try weightsFile(of: document, model)
        try AvailableMemory.check(model.table.count, of: Float.self)
        var weights = [Float](repeating: 0, count: model.table.count)
        try weights.withUnsafeMutableBufferPointer { weights in
            try read(file, document, model) { range in
                UnsafeMutableBufferPointer(rebasing: weights[range.elements])
            }
        }
        return StoredPolicy(
            configuration: document.configuration, normaliser: document.normaliser, weights: weights,
            origin: document.origin, task: document.task)
    }

    /// Reads the policy with its weights in a machine's memory, holding no more than one parameter beside them.
    /// - Throws: as `read()`, or when there is not enough memory.
    func read(
        on backend: any Backend
    ) throws -> (model: DiffusionModel, normaliser: Normaliser, parameters: any DeviceBuffer) {
        let document = try document()
        let model = try DiffusionModel(document.configuration)
        let file = try weightsFile(of: document, model)
        let parameters = try backend.makeBuffer(count: model.table.count)
        try backend.perform {
            try readOneByOne(file, document, model) { parameters.write($1, offset: $0.offset) }
        }
        return (model, document.normaliser, parameters)
    }

    /// Reads what the policy is, and checks its weights as `read()` does, holding no more than one parameter.
    /// - Throws: as `read()`.
    public func verifiedDocument() throws -> PolicyDocument {
        let document = try document()
        let model = try DiffusionModel(document.configuration)
        try readOneByOne(weightsFile(of: document, model), document, model) { _, _ in }
        return document
    }

    /// Reads each parameter into the same memory and shows it.
    private func readOneByOne(
        _ file: SafetensorsFile, _ document: PolicyDocument, _ model: DiffusionModel,
        _ show: (ParameterTable.Range, UnsafeBufferPointer<Float>) throws -> Void
    ) throws {
        let largest = model.table.ranges.map(\.shape.count).max() ?? 0
        try AvailableMemory.check(largest, of: Float.self)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: largest)
        defer { memory.deallocate() }
        try read(file, document, model, into: { UnsafeMutableBufferPointer(rebasing: memory[..<$0.shape.count]) }, show)
    }

    /// Reads the parameters in the order of the table, and checks that they are finite and what was written.
    /// - Parameters:
    ///   - place: where the numbers of a parameter go.
    ///   - show: called after each parameter was read.
    private func read(
        _ file: SafetensorsFile, _ document: PolicyDocument, _ model: DiffusionModel,
        into place: (ParameterTable.Range) -> UnsafeMutableBufferPointer<Float>,
        _ show: (ParameterTable.Range, UnsafeBufferPointer<Float>) throws -> Void = { _, _ in }
    ) throws {
        var checksum = WeightChecksum()
        for range in model.table.ranges {
            let values = place(range)
            try file.readFloats(range.name, into: values)
            try checkFinite(UnsafeBufferPointer(values), name: range.name)
            checksum.combine(UnsafeBufferPointer(values))
            try show(range, UnsafeBufferPointer(values))
        }
        try check(checksum, of: file, document)
    }

    /// Writes the policy, making the folder if it is not there.
    ///
    /// Each file takes its name in one step, and the document only when the weights have theirs.
    /// - Parameter precision: how the weights are stored.
    /// - Precondition: there are as many weights as the table of the configuration's model says.
    /// - Throws: `TensorFileError` when a weight is not finite, `InvalidSetting` for a policy that could not be read again, or
    ///   `FileSystemError`; what the folder held before is then as it was.
    public func write(_ policy: StoredPolicy, precision: Precision = .float32) throws {
        let model = try DiffusionModel(policy.configuration)
        precondition(
            policy.weights.count == model.table.count, "\(policy.weights.count) weights, not \(model.table.count)")
        try policy.normaliser.validate(for: policy.configuration)
        var checksum = WeightChecksum()
        let tensors = try model.table.ranges.map { range in
            let values = Array(policy.weights[range.elements])
            try values.withUnsafeBufferPointer { try checkFinite($0, name: range.name) }
            let tensor = SafetensorsTensor(
                range.name, shape: range.shape.dimensions,
                precision == .bfloat16 ? .bfloat16(values) : .float32(values))
            tensor.values.stored.withUnsafeBufferPointer { checksum.combine($0) }
            return tensor
        }
        let document = PolicyDocument(of: policy, model: model, checksum: checksum.hexadecimal)
        let bytes = try document.encoded()
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try AtomicFile.write(to: documentURL) { sink in
            // On the disk, though not yet under its name, before the weights change: a full disk spoils nothing.
            try bytes.withUnsafeBytes { try sink.write($0) }
            try sink.flush()
            try SafetensorsWriter.write(
                tensors, metadata: ["format": "pt", Self.fingerprintKey: document.fingerprint], to: weightsURL)
        }
    }

    /// No honest document comes near: the shapes of 10,000 parameters take a megabyte.
    private static let largestDocument = 64 << 20
    private static let fingerprintKey = "policy_fingerprint"
}

// MARK: - Checks

extension PolicyDirectory {
    /// The file of the weights, every name and shape of which is right.
    private func weightsFile(of document: PolicyDocument, _ model: DiffusionModel) throws -> SafetensorsFile {
        let file = try SafetensorsFile(contentsOf: weightsURL)
        try check(file, model, document)
        return file
    }

    private func check(_ file: SafetensorsFile, _ model: DiffusionModel, _ document: PolicyDocument) throws {
        let table = model.table
        if let fingerprint = file.metadata[Self.fingerprintKey], fingerprint != document.fingerprint {
            throw TensorFileError(
                file: file.path, key: Self.fingerprintKey, expected: "\(document.fingerprint), as policy.json says",
                found: fingerprint,
                hint: "the two files are of different exports, one of which was interrupted: export the policy again")
        }
        for range in table.ranges {
            let entry = try file.entry(range.name, shape: range.shape.dimensions)
            guard entry.elementType.isFloatingPoint else {
                throw TensorFileError(
                    file: file.path, key: range.name, expected: "F32 or BF16", found: entry.elementType.rawValue)
            }
        }
        if let name = file.tensors.keys
            .filter({ table.index(of: $0) == nil && !model.buffers.contains($0) }).min()
        {
            throw TensorFileError(
                file: file.path, key: name, expected: "only the \(table.ranges.count) parameters of policy.json",
                found: "\(file.tensors.count) tensors, this one unknown",
                hint: "remove it, or set the configuration that it belongs to")
        }
    }

    /// Refuses weights that were written with this document and are no longer what they were.
    private func check(_ checksum: WeightChecksum, of file: SafetensorsFile, _ document: PolicyDocument) throws {
        guard file.metadata[Self.fingerprintKey] != nil, let expected = document.checksum else { return }
        let found = checksum.hexadecimal
        guard found == expected else {
            throw TensorFileError(
                file: file.path, key: "checksum",
                expected: "weights with the checksum \(expected), as policy.json says",
                found: found,
                hint: """
                    the file was damaged: copy or export the policy again; weights of another program are taken without \
                    \(Self.fingerprintKey) among their metadata
                    """)
        }
    }

    private func checkFinite(_ values: UnsafeBufferPointer<Float>, name: String) throws {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw TensorFileError(
            file: weightsURL.path, key: name, expected: "finite weights", found: "\(values[index]) at index \(index)",
            hint: "use an earlier checkpoint")
    }
}
