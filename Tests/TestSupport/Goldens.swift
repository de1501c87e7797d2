package import Foundation

/// The golden numbers: files of the folder that `DPOLICY_GOLDENS` names, or else those of the project.
package enum Goldens {
    /// The copy in the project.
    private static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Goldens")

    /// Returns the location of a file.
    package static func url(of file: String) -> URL {
        let named = ProcessInfo.processInfo.environment["DPOLICY_GOLDENS"].map {
            URL(fileURLWithPath: $0).appendingPathComponent(file)
        }
        if let named, FileManager.default.fileExists(atPath: named.path) { return named }
        return project.appendingPathComponent(file)
    }

    /// Returns whether a file exists; a test of a missing file is skipped.
    package static func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: url(of: file).path) }

    /// Decodes a file; `.convertFromSnakeCase` maps `add_noise` to a property `addNoise`.
    package static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from file: String, keys: JSONDecoder.KeyDecodingStrategy = .useDefaultKeys
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = keys
        return try decoder.decode(type, from: Data(contentsOf: url(of: file)))
    }
}

/// The human Push-T demonstrations, which are not part of the project.
package enum HumanDemonstrations {
    /// The zarr folder that `DPOLICY_DEMONSTRATIONS` names.
    package static var folder: URL? {
        ProcessInfo.processInfo.environment["DPOLICY_DEMONSTRATIONS"].map { URL(fileURLWithPath: $0) }
    }

    /// The message of a skipped test.
    package static let hint = "set DPOLICY_DEMONSTRATIONS to the folder pusht_cchi_v7_replay.zarr"
}
