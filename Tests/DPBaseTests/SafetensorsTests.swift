import Foundation
import TestSupport
import Testing

@testable import DPBase

@Suite struct SafetensorsTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Returns a file with the given header and number of zero bytes.
    private func file(_ header: String, length: UInt64? = nil, bytes: Int) throws -> URL {
        var data = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Data($0) }
        data.append(Data(header.utf8))
        data.append(Data(count: bytes))
        let url = folder("hostile.safetensors")
        try data.write(to: url)
        return url
    }

    @Test func everythingWrittenIsReadBack() throws {
        let url = folder("model.safetensors")
        let weights = fill("weights", count: 6)
        try SafetensorsWriter.write(
            [
                SafetensorsTensor("layer \"0\".weight", shape: [2, 3], .float32(weights)),
                SafetensorsTensor("bytes", shape: [3], .uint8([1, 2, 255])),
                SafetensorsTensor("step", shape: [], .int64([-5])),
                SafetensorsTensor("half", shape: [3], .bfloat16([1, -2.5, 1e20])),
                SafetensorsTensor("empty", shape: [0, 4], .float32([])),
            ], metadata: ["format": "pt", "note": "a/b"], to: url)
        let file = try SafetensorsFile(contentsOf: url)
        #expect(file.metadata == ["format": "pt", "note": "a/b"])
        #expect(file.tensors.count == 5)
        #expect(try file.floats("layer \"0\".weight", shape: [2, 3]) == weights)
        #expect(try file.bytes("bytes") == [1, 2, 255])
        #expect(try file.integers("bytes") == [1, 2, 255])
        #expect(try file.integers("step", shape: []) == [-5])
        #expect(try file.floats("half") == [1, -2.5, Float(bitPattern: 0x60AD_0000)])
        #expect(try file.floats("empty", shape: [0, 4]) == [])
        #expect(file.tensors["half"]?.elementType == .bfloat16)
        #expect(try file.entry("layer \"0\".weight").byteRange.lowerBound % 8 == 0)
    }

    @Test(arguments: [
        (Float(1), 0x3F80), (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82),
        (Float(bitPattern: 0x3F80_8001), 0x3F81), (.infinity, 0x7F80), (.greatestFiniteMagnitude, 0x7F80),
        (-0.0, 0x8000),
    ])
    func roundsToTheNearestEven(value: Float, bits: Int) {
        #expect(bfloat16Bits(value) == UInt16(bits))
    }

    @Test func aNumberThatIsNoneStaysNone() {
        #expect(Float(bitPattern: UInt32(bfloat16Bits(Float(bitPattern: 0x7F80_0001))) << 16).isNaN)
    }

    @Test func readsHalfPrecision() throws {
        let url = try file(#"{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, bytes: 0)
        let handle = try FileHandle(forWritingTo: url)
        try handle.seekToEnd()
        try handle.write(contentsOf: Data([0x00, 0x3E, 0x00, 0xC0]))
        try handle.close()
        #expect(try SafetensorsFile(contentsOf: url).floats("h") == [1.5, -2])
    }

    @Test(arguments: [
        (
            #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            16, "b: expected data_offsets that start at 16", "overlap"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            16, "b: expected data_offsets that start at 4", "hole"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 16,
            "a: expected two data_offsets within 0...16", "[-4, 0]"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#, 16, "a: expected two data_offsets", "[8, 4]"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, 16, "a: expected two data_offsets", "[0, 4, 8]"),
        (
            #"{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"#, 16,
            "a: expected two data_offsets within 0...16", "[0, 32]"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#, 16, "a: expected the bytes of F32 [3]",
            "16 bytes"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
            "a: expected the bytes of", "0 bytes"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 0,
            "a: expected the bytes of", "0 bytes"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[-1,-4],"data_offsets":[0,16]}}"#, 16,
            "a: expected the bytes of F32 [-1, -4]", "16 bytes"
        ),
        (#"{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,16]}}"#, 16, "a: expected a dtype among F64, F32", "F99"),
        (#"{"a":{"dtype":"F32","data_offsets":[0,16]}}"#, 16, "header: expected JSON", #"no "shape""#),
        (#"{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,16]}}"#, 16, "header: expected JSON", "found"),
        (#"{"a":"#, 16, "header: expected JSON", "invalid or unexpected JSON"),
        (#"[]"#, 16, "header: expected JSON", "invalid or unexpected JSON"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 16, "hostile.safetensors: expected ", "found "),
    ])
    func refusesHostileHeaders(header: String, bytes: Int, expected: String, found: String) throws {
        let url = try file(header, bytes: bytes)
        let text = message { _ = try SafetensorsFile(contentsOf: url) }
        #expect(text.contains("hostile.safetensors"))
        #expect(text.contains(expected))
        #expect(text.contains(found))
    }

    @Test(arguments: [UInt64.max, 1 << 62, 1 << 32, 17 << 20, 100])
    func refusesHugeHeaders(length: UInt64) throws {
        let url = try file("{}", length: length, bytes: 0)
        let text = message { _ = try SafetensorsFile(contentsOf: url) }
        #expect(text.contains("header: expected a safetensors header of at most 2 bytes, found \(length) bytes"))
    }

    @Test func refusesAFileWithoutAHeader() throws {
        let url = folder("short.safetensors")
        try Data([1, 2, 3]).write(to: url)
        #expect(message { _ = try SafetensorsFile(contentsOf: url) }.contains("at least 8 bytes, found 3 bytes"))
        #expect(message { _ = try SafetensorsFile(contentsOf: folder.url) }.contains("expected a file"))
        #expect(message { _ = try SafetensorsFile(contentsOf: folder("none")) }.contains("No such file"))
    }

    @Test func namesWhatIsMissingOrMisshapen() throws {
        let url = folder("model.safetensors")
        try SafetensorsWriter.write([SafetensorsTensor("weight", shape: [2], .float32([1, 2]))], to: url)
        let file = try SafetensorsFile(contentsOf: url)
        #expect(
            message { _ = try file.floats("bias") }
                == "\(url.path), bias: expected a tensor of this name, found only: weight")
        #expect(
            message { _ = try file.floats("weight", shape: [1, 2]) }
                == "\(url.path), weight: expected shape [1, 2], found [2]")
        #expect(
            message { _ = try file.integers("weight") }.contains("weight: expected whole numbers of 64 bits, found F32")
        )
    }

    @Test func aDamagedHeaderIsNeverACrash() throws {
        let url = folder("model.safetensors")
        let tensors = [
            SafetensorsTensor("a", shape: [2, 1], .float32([1, 2])), SafetensorsTensor("b", shape: [1], .int64([3])),
        ]
        try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: url)
        let bytes = try Data(contentsOf: url)
        for index in bytes.indices {
            for flip in [0x01, 0x10, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[index] ^= flip
                try damaged.write(to: url)
                guard let file = try? SafetensorsFile(contentsOf: url) else { continue }
                for name in file.tensors.keys { _ = try file.floats(name) }
            }
        }
    }
}
