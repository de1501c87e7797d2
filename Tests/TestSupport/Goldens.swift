public import Foundation

/// The golden numbers: files of the folder that `DPOLICY_GOLDENS` names, and those of the project for what is not in it.
public enum Goldens {
    /// The copy inside the project.
    private static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Goldens")

    /// Where a file is read from.
    public static func url(of file: String) -> URL {
        let named = ProcessInfo.processInfo.environment["DPOLICY_GOLDENS"].map {
            URL(fileURLWithPath: $0).appendingPathComponent(file)
        }
        if let named, FileManager.default.fileExists(atPath: named.path) { return named }
        return project.appendingPathComponent(file)
    }

    /// Whether a file is there; a test of an absent file is skipped.
    public static func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: url(of: file).path) }

    /// Decodes a file; `.convertFromSnakeCase` finds `add_noise` for a property `addNoise`.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from file: String, keys: JSONDecoder.KeyDecodingStrategy = .useDefaultKeys
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = keys
        return try decoder.decode(type, from: Data(contentsOf: url(of: file)))
    }
}

/// The Push-T demonstrations of people, which are not part of the project.
public enum HumanDemonstrations {
    /// The zarr folder that `DPOLICY_DEMONSTRATIONS` names.
    public static var folder: URL? {
        ProcessInfo.processInfo.environment["DPOLICY_DEMONSTRATIONS"].map { URL(fileURLWithPath: $0) }
    }

    /// What a skipped test tells.
    public static let hint = "set DPOLICY_DEMONSTRATIONS to the folder pusht_cchi_v7_replay.zarr"
}
