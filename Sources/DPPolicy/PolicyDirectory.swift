import DPBase
package import DPGraph
package import Foundation

/// A policy as plain data: the contents of a policy directory.
package struct StoredPolicy: Sendable, Equatable {
    /// The configuration of the policy.
    package var configuration: PolicyConfiguration
    /// The conversion between raw units and those of the network.
    package var normalizer: Normalizer
    /// The flat vector that the table of the configuration's `DiffusionModel` describes.
    package var weights: [Float]
    /// Where the policy came from, as free text by key: recipe, seed, steps.
    package var origin: [String: String]
    /// The task that the policy was trained for, if it has a simulator here.
    package var task: PolicyTask?

    /// Creates a policy from its parts.
    package init(
        configuration: PolicyConfiguration, normalizer: Normalizer, weights: [Float], origin: [String: String] = [:],
        task: PolicyTask? = nil
    ) {
        self.configuration = configuration
        self.normalizer = normalizer
        self.weights = weights
        self.origin = origin
        self.task = task
    }
}

/// A policy on disk: `policy.json`, and `model.safetensors` with the weights under their PyTorch names.
///
/// Weights written by another program are accepted if names and shapes match. Weights written here carry a
/// fingerprint that the document repeats, so that files of two exports are never combined into one policy, and the
/// document contains their checksum, so that damage is detected.
package struct PolicyDirectory: Sendable {
    /// The folder.
    package let url: URL

    private var documentURL: URL { url.appendingPathComponent("policy.json") }
    private var weightsURL: URL { url.appendingPathComponent("model.safetensors") }

    /// Creates a policy directory at a folder, which does not have to exist yet.
    package init(_ url: URL) { self.url = url }

    /// Reads the policy document, without the weights.
    /// - Throws: `InputError` or `FileSystemError`, which name the file and the key.
    package func document() throws -> PolicyDocument {
        let file = documentURL.path
        guard try PathKind(at: file) != nil else {
            throw InputError(
                at: url.path, expected: "a policy directory with policy.json and model.safetensors",
                found: "no policy.json")
        }
        return try PolicyDocument(decoding: readFile(at: documentURL, limit: Self.largestDocument), file: file)
    }

    /// Reads the policy; every name and shape is checked before memory for the weights is allocated.
    /// - Throws: `InputError` or `FileSystemError`, which name the file, the key, the expected value, and the
    ///   found value.
    package func read() throws -> StoredPolicy {
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
            configuration: document.configuration, normalizer: document.normalizer, weights: weights,
            origin: document.origin, task: document.task)
    }

    /// Reads the policy with its weights into a machine's memory, buffering no more than one parameter in addition.
    /// - Throws: the errors of `read()`, or when there is not enough memory.
    func read(
        on backend: any Backend
    ) throws -> (model: DiffusionModel, normalizer: Normalizer, parameters: any DeviceBuffer) {
        let document = try document()
        let model = try DiffusionModel(document.configuration)
        let file = try weightsFile(of: document, model)
        let parameters = try backend.makeBuffer(count: model.table.count)
        try backend.perform {
            try readOneByOne(file, document, model) { parameters.write($1, offset: $0.offset) }
        }
        return (model, document.normalizer, parameters)
    }

    /// Reads the policy document and checks the weights like `read()`, buffering no more than one parameter.
    /// - Throws: the errors of `read()`.
    package func verifiedDocument() throws -> PolicyDocument {
        let document = try document()
        let model = try DiffusionModel(document.configuration)
        try readOneByOne(weightsFile(of: document, model), document, model) { _, _ in }
        return document
    }

    /// Reads each parameter into the same memory and passes it to `show`.
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

    /// Reads the parameters in the order of the table, and checks that they are finite and match the checksum.
    /// - Parameters:
    ///   - place: returns the memory for the values of a parameter.
    ///   - show: called after each parameter has been read.
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

    /// Writes the policy, creating the folder if needed.
    ///
    /// Each file is renamed to its final name in one step, the document only after the weights.
    /// - Parameter precision: the precision of the stored weights.
    /// - Precondition: the number of weights is that of the table of the configuration's model.
    /// - Throws: `InputError` when a weight is not finite, `InputError` for a policy that could not be
    ///   read again, or `FileSystemError`; the previous contents of the folder are then unchanged.
    package func write(_ policy: StoredPolicy, precision: Precision = .float32) throws {
        let model = try DiffusionModel(policy.configuration)
        precondition(
            policy.weights.count == model.table.count, "\(policy.weights.count) weights, not \(model.table.count)")
        try policy.normalizer.validate(for: policy.configuration)
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
            // The document is on disk under a temporary name before the weights change, so a full disk damages nothing.
            try bytes.withUnsafeBytes { try sink.write($0) }
            try sink.flush()
            try SafetensorsWriter.write(
                tensors, metadata: ["format": "pt", Self.fingerprintKey: document.fingerprint], to: weightsURL)
        }
    }

    /// Valid documents are far smaller: the shapes of 10,000 parameters take a megabyte.
    private static let largestDocument = 64 << 20
    private static let fingerprintKey = "policy_fingerprint"
}

// MARK: - Checks

extension PolicyDirectory {
    /// Opens the file of the weights and checks every name and shape.
    private func weightsFile(of document: PolicyDocument, _ model: DiffusionModel) throws -> SafetensorsFile {
        let file = try SafetensorsFile(contentsOf: weightsURL)
        try check(file, model, document)
        return file
    }

    private func check(_ file: SafetensorsFile, _ model: DiffusionModel, _ document: PolicyDocument) throws {
        let table = model.table
        if let fingerprint = file.metadata[Self.fingerprintKey], fingerprint != document.fingerprint {
            throw InputError(
                at: file.path, key: Self.fingerprintKey, expected: "\(document.fingerprint), as policy.json says",
                found: fingerprint,
                hint: "the two files are from different exports, one of which was interrupted: export the policy again")
        }
        for range in table.ranges {
            let entry = try file.entry(range.name, shape: range.shape.dimensions)
            guard entry.elementType.isFloatingPoint else {
                throw InputError(
                    at: file.path, key: range.name, expected: "F32 or BF16", found: entry.elementType.rawValue)
            }
        }
        if let name = file.tensors.keys
            .filter({ table.index(of: $0) == nil && !model.buffers.contains($0) }).min()
        {
            throw InputError(
                at: file.path, key: name, expected: "only the \(table.ranges.count) parameters of policy.json",
                found: "\(file.tensors.count) tensors, this one unknown",
                hint: "remove it, or set the configuration that it belongs to")
        }
    }

    /// Rejects weights that were written with this document but have changed since.
    private func check(_ checksum: WeightChecksum, of file: SafetensorsFile, _ document: PolicyDocument) throws {
        guard file.metadata[Self.fingerprintKey] != nil, let expected = document.checksum else { return }
        let found = checksum.hexadecimal
        guard found == expected else {
            throw InputError(
                at: file.path, key: "checksum",
                expected: "weights with the checksum \(expected), as policy.json says",
                found: found,
                hint: """
                    the file was damaged: copy or export the policy again; to use weights of another program, remove \
                    \(Self.fingerprintKey) from their metadata
                    """)
        }
    }

    private func checkFinite(_ values: UnsafeBufferPointer<Float>, name: String) throws {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw InputError(
            at: weightsURL.path, key: name, expected: "finite weights", found: "\(values[index]) at index \(index)",
            hint: "use an earlier checkpoint")
    }
}
