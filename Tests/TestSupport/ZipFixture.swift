package import Foundation

/// A small zip archive for a test (PKWARE application note 6.3).
package struct ZipFixture {
    /// How the bytes of an entry are stored.
    package enum Method: UInt16, Sendable {
        /// Unchanged.
        case stored = 0
        /// As a deflate stream with one uncompressed block (RFC 1951, section 3.2.4).
        case deflated = 8
    }

    private var body = Data()
    private var directory = Data()
    private var count: UInt16 = 0

    /// Creates an archive without entries.
    package init() {}

    /// Adds an entry of at most 65,535 bytes.
    package mutating func add(_ name: String, _ bytes: Data, method: Method = .stored) {
        var kept = bytes
        if method == .deflated {
            let size = UInt16(bytes.count)
            kept = concatenated([Data([1]), little(size), little(~size), bytes])
        }
        let common = concatenated([
            little(UInt16(20)), little(UInt16(0)), little(method.rawValue), little(UInt32(0)), little(crc32(bytes)),
            little(UInt32(kept.count)), little(UInt32(bytes.count)), little(UInt16(name.utf8.count)), little(UInt16(0)),
        ])
        directory += concatenated([little(UInt32(0x0201_4B50)), little(UInt16(20)), common])
        directory += concatenated([Data(count: 10), little(UInt32(body.count)), Data(name.utf8)])
        body += concatenated([little(UInt32(0x0403_4B50)), common, Data(name.utf8), kept])
        count += 1
    }

    /// Adds every file in a folder, under `prefix`.
    package mutating func add(contentsOf folder: URL, prefix: String, method: Method = .stored) throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        for name in names {
            let url = folder.appendingPathComponent(name)
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            if isFolder.boolValue {
                add(prefix + name + "/", Data())
            } else {
                add(prefix + name, try Data(contentsOf: url), method: method)
            }
        }
    }

    /// The bytes of the archive.
    package var data: Data {
        let end = concatenated([
            little(UInt32(0x0605_4B50)), Data(count: 4), little(count), little(count), little(UInt32(directory.count)),
            little(UInt32(body.count)), little(UInt16(0)),
        ])
        return body + directory + end
    }

    /// Concatenates parts; the Swift 6.2 compiler would take minutes for one long sum of them.
    private func concatenated(_ parts: [Data]) -> Data { Data(parts.joined()) }

    private func little(_ value: some FixedWidthInteger) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }

    private func crc32(_ bytes: Data) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return ~remainder
    }
}
