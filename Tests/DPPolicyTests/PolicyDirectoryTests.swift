import DPBase
import DPGraph
import Foundation
import Testing

@testable import DPPolicy

/// A policy directory of the tiny policy in a temporary folder, removed afterward.
private final class Folder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("policy-\(UUID().uuidString)")
    var directory: PolicyDirectory { PolicyDirectory(url) }
    var document: URL { url.appendingPathComponent("policy.json") }
    var weights: URL { url.appendingPathComponent("model.safetensors") }

    init(writing policy: StoredPolicy? = nil, precision: Precision = .float32) throws {
        if let policy { try directory.write(policy, precision: precision) }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Replaces text in `policy.json`.
    func edit(_ text: String, _ replacement: String) throws {
        let old = try String(contentsOf: document, encoding: .utf8)
        #expect(old.contains(text))
        try old.replacingOccurrences(of: text, with: replacement).write(to: document, atomically: true, encoding: .utf8)
    }

    /// Replaces `model.safetensors`, as another program would.
    func rewrite(_ change: (inout [SafetensorsTensor]) -> Void) throws {
        let file = try SafetensorsFile(contentsOf: weights)
        var tensors = try file.tensors.keys.sorted().map { name in
            SafetensorsTensor(name, shape: try file.entry(name).shape, .float32(try file.floats(name)))
        }
        change(&tensors)
        try SafetensorsWriter.write(tensors, to: weights)
    }

    /// Returns the message of the error that reading throws, or `read`.
    func message() -> String {
        do {
            _ = try directory.read()
            return "read"
        } catch { return "\(error)" }
    }
}

@Test func policySurvivesTheDisk() throws {
    for conditioning in Conditioning.allCases {
        let stored = try TinyPolicy(conditioning: conditioning).stored
        let folder = try Folder(writing: stored)
        #expect(try folder.directory.read() == stored)
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.url.path)).count == 2)
    }
}

@Test func halfPrecisionWeightsAreRoundedOnDisk() throws {
    let stored = try TinyPolicy().stored
    let folder = try Folder(writing: stored, precision: .bfloat16)
    let read = try folder.directory.read()
    #expect(zip(read.weights, stored.weights).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
    #expect(read.weights.allSatisfy { $0.bitPattern & 0xFFFF == 0 })
    // Weights that are already rounded are stored exactly.
    try folder.directory.write(read, precision: .bfloat16)
    #expect(try folder.directory.read() == read)
}

@Test func policyFromDiskActsAsInMemory() throws {
    let tiny = try TinyPolicy(sampler: .ddpm(steps: 2))
    let folder = try Folder(writing: tiny.stored)
    let key = RandomKey(seed: 1)
    let backend = TestedBackend.cpu.makeBackend()
    let expected = try tiny.policy(on: .cpu).predict(observations: tiny.observations(1), keys: [key])
    let policy = try DiffusionPolicy(contentsOf: folder.url, backend: backend)
    #expect(try policy.predict(observations: tiny.observations(1), keys: [key]) == expected)
    let quick = try DiffusionPolicy(contentsOf: folder.url, sampler: .ddim(steps: 2), backend: backend)
    #expect(quick.sampler == .ddim(steps: 2))
}

@Test func writingTwiceGivesTheSameBytes() throws {
    let stored = try TinyPolicy().stored
    let (first, second) = (try Folder(writing: stored), try Folder(writing: stored))
    #expect(try Data(contentsOf: first.document) == Data(contentsOf: second.document))
    #expect(try Data(contentsOf: first.weights) == Data(contentsOf: second.weights))
}

@Test func weightsOfAnotherProgramAreWelcome() throws {
    let stored = try TinyPolicy().stored
    let folder = try Folder(writing: stored)
    try folder.rewrite { tensors in
        tensors = tensors.map {
            SafetensorsTensor($0.name, shape: $0.shape, .float32([Float](repeating: 0.5, count: $0.values.count)))
        }
    }
    let parameter = try DiffusionModel(stored.configuration).table.ranges[0]
    #expect(try folder.directory.read().weights[parameter.elements].allSatisfy { $0 == 0.5 })
}

@Test func filesOfTwoExportsAreNotTakenForOnePolicy() throws {
    var tiny = try TinyPolicy()
    let folder = try Folder(writing: tiny.stored)
    tiny.weights[0] += 1
    let other = try Folder(writing: tiny.stored)
    try Data(contentsOf: other.weights).write(to: folder.weights)
    #expect(folder.message().contains("export the policy again"))
    #expect(throws: InputError.self) { try folder.directory.verifiedDocument() }
}

/// Every way of reading the policy rejects damaged weights.
@Test(arguments: [Precision.float32, .bfloat16])
func damagedWeightsAreRefused(precision: Precision) throws {
    let folder = try Folder(writing: try TinyPolicy().stored, precision: precision)
    _ = try folder.directory.verifiedDocument()
    let whole = try Data(contentsOf: folder.weights)
    let start = 8 + whole.prefix(8).withUnsafeBytes { Int($0.loadUnaligned(as: UInt64.self)) }
    let damages: [(String, (inout Data) -> Void)] = [
        (
            "half of it zeros",
            { $0.replaceSubrange((start + $0.count) / 2..<$0.count, with: Data(count: ($0.count - start) / 2)) }
        ),
        ("a sign", { $0[start + 1] ^= 0x80 }), ("the last bit", { $0[$0.count - 2] ^= 1 }),
    ]
    for (name, damage) in damages {
        var bytes = whole
        damage(&bytes)
        #expect(bytes.count == whole.count && bytes != whole)
        try bytes.write(to: folder.weights)
        #expect(folder.message().contains("checksum: expected weights with the checksum"), "\(name)")
        #expect(throws: InputError.self, "\(name)") { try folder.directory.verifiedDocument() }
        #expect(throws: InputError.self, "\(name)") {
            try DiffusionPolicy(contentsOf: folder.url, backend: TestedBackend.reference.makeBackend())
        }
    }
    try whole.write(to: folder.weights)
    #expect(folder.message() == "read")
}

/// Groups of eight numbers are hashed in lanes, the remaining numbers separately.
@Test func everyBitOfEveryWeightCounts() {
    func checksum(_ values: [Float]) -> String {
        var checksum = WeightChecksum()
        values.withUnsafeBufferPointer { checksum.combine($0) }
        return checksum.hexadecimal
    }
    let weights: [Float] = (0..<19).map { 1 + Float($0) / 32 }
    let whole = checksum(weights)
    for index in weights.indices {
        for bit in 0..<32 {
            var damaged = weights
            damaged[index] = Float(bitPattern: weights[index].bitPattern ^ 1 << bit)
            #expect(checksum(damaged) != whole, "bit \(bit) of weight \(index)")
        }
    }
}

/// Policies that were stored without a checksum can still be read.
@Test func weightsWithoutAChecksumAreWelcome() throws {
    let stored = try TinyPolicy().stored
    let folder = try Folder(writing: stored)
    let checksum = try #require(try folder.directory.document().checksum)
    try folder.edit("\"checksum\" : \"\(checksum)\",", "")
    #expect(try folder.directory.document().checksum == nil)
    #expect(try folder.directory.read() == stored)
    _ = try folder.directory.verifiedDocument()
}

@Test func namesAndShapesAreChecked() throws {
    let stored = try TinyPolicy().stored
    var folder = try Folder(writing: stored)
    try folder.rewrite { $0.removeAll { $0.name == "final_conv.1.bias" } }
    #expect(folder.message().contains("final_conv.1.bias: expected a tensor of this name"))

    folder = try Folder(writing: stored)
    try folder.rewrite { $0.append(SafetensorsTensor("extra", shape: [1], .float32([1]))) }
    #expect(folder.message().contains("extra: expected only the"))

    folder = try Folder(writing: stored)
    try folder.rewrite { tensors in
        tensors = tensors.map {
            $0.name == "final_conv.1.bias" ? SafetensorsTensor($0.name, shape: [1, 2], $0.values) : $0
        }
    }
    #expect(folder.message().contains("final_conv.1.bias: expected shape [2], found [1, 2]"))

    folder = try Folder(writing: stored)
    try folder.rewrite { tensors in
        tensors = tensors.map {
            $0.name == "final_conv.1.bias" ? SafetensorsTensor($0.name, shape: [2], .int64([1, 2])) : $0
        }
    }
    #expect(folder.message().contains("final_conv.1.bias: expected F32 or BF16, found I64"))
}

@Test func weightsThatAreNotFiniteAreRefused() throws {
    var tiny = try TinyPolicy()
    let folder = try Folder(writing: tiny.stored)
    let before = try Data(contentsOf: folder.weights)
    tiny.weights[0] = .nan
    #expect(throws: InputError.self) { try folder.directory.write(tiny.stored) }
    #expect(try Data(contentsOf: folder.weights) == before)

    try folder.rewrite { tensors in
        tensors = tensors.map {
            $0.name == "final_conv.1.bias" ? SafetensorsTensor($0.name, shape: [2], .float32([1, .infinity])) : $0
        }
    }
    #expect(folder.message().contains("final_conv.1.bias: expected finite weights, found inf at index 1"))
}

@Test func documentsAreChecked() throws {
    let stored = try TinyPolicy().stored
    func message(_ text: String, _ replacement: String) throws -> String {
        let folder = try Folder(writing: stored)
        try folder.edit(text, replacement)
        return folder.message()
    }
    #expect(try message(#""format_version" : 3"#, #""format_version" : 4"#).contains("newer version"))
    #expect(try message(#""format_version" : 3,"#, "").contains("format_version: expected"))
    #expect(try message(#""prediction" : 4"#, #""prediction" : 5"#).contains("for example 4 or 6"))
    #expect(try message(#""prediction" : 4"#, #""prediction" : "4""#).contains("policy.horizon.prediction"))
    #expect(
        try message(#""prediction" : 4"#, #""prediction" : 8"#).contains("shapes.action: expected [8, 2], found [4, 2]")
    )
    #expect(try message(#""kernel_size" : 3"#, #""kernel_size" : 5"#).contains("shapes.parameters."))
    #expect(try message("{", "").contains("policy.json"))
    #expect(try message(#""final_conv.1.bias""#, #""final_conv.1.b""#).contains("shapes.parameters.final_conv.1.b"))
}

@Test func hostileDocumentsNeitherCrashNorAllocate() throws {
    let stored = try TinyPolicy().stored
    for (text, replacement) in [
        (#""size" : 2"#, #""size" : 9223372036854775807"#), (#""dimension" : 2"#, #""dimension" : -1"#),
        (#""dimension" : 2"#, #""dimension" : 65536"#), (#""groups" : 4"#, #""groups" : 0"#),
        (#""step_embedding" : 8"#, #""step_embedding" : 9223372036854775807"#),
        (#""steps" : 10"#, #""steps" : 1000000000"#), (#""observation" : 2"#, #""observation" : -5"#),
        (#""action" : 2"#, #""action" : 9223372036854775807"#), ("0.5", "0"), ("0.5", "1e39"),
    ] {
        let folder = try Folder(writing: stored)
        try folder.edit(text, replacement)
        #expect(folder.message().contains("policy.json"), "\(replacement)")
    }
}

@Test func missingFilesAreNamed() throws {
    let empty = try Folder()
    #expect(empty.message().contains("no policy.json"))
    let folder = try Folder(writing: try TinyPolicy().stored)
    try FileManager.default.removeItem(at: folder.weights)
    #expect(folder.message().contains("model.safetensors"))
}

@Test func interruptedWritingKeepsTheOldPolicy() throws {
    let stored = try TinyPolicy().stored
    let folder = try Folder(writing: stored)
    // A folder with the name of the weights file makes renaming fail.
    try FileManager.default.removeItem(at: folder.weights)
    try FileManager.default.createDirectory(at: folder.weights, withIntermediateDirectories: true)
    let before = try Data(contentsOf: folder.document)
    var changed = stored
    changed.weights[0] += 1
    #expect(throws: FileSystemError.self) { try folder.directory.write(changed) }
    #expect(try Data(contentsOf: folder.document) == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2)
}

/// Documents of versions 1 and 2 have other names for some keys.
@Test(arguments: [1, 2]) func documentsOfEarlierVersionsAreRead(version: Int) throws {
    let stored = try TinyPolicy().stored
    let folder = try Folder(writing: stored)
    let document = try folder.directory.document()
    for (new, old) in [
        ("\"format_version\" : 3", "\"format_version\" : \(version)"), ("\"normalizer\"", "\"normaliser\""),
        ("\"normalization\"", "\"normalisation\""), ("\"features\"", "\"fields\""), ("\"slice\"", "\"columns\""),
        ("\"size\"", "\"width\""), ("\"feature\"", "\"field\""),
        ("\"cond_predict_scale\"", "\"conditions_scale\""),
    ] { try folder.edit(new, old) }
    #expect(try folder.directory.document().configuration == document.configuration)
    #expect(try folder.directory.read() == stored)
}
