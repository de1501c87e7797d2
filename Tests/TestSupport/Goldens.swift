public import Foundation

/// The folder of golden numbers: `DPOLICY_GOLDENS`, or the copy inside the project.
public enum Goldens {
    /// Where the files are read from.
    public static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["DPOLICY_GOLDENS"] { return URL(fileURLWithPath: path) }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Goldens")
    }

    /// Whether a file is there; a test of an absent file is skipped.
    public static func has(_ file: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent(file).path)
    }

    /// Decodes a file; `.convertFromSnakeCase` finds `add_noise` for a property `addNoise`.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from file: String, keys: JSONDecoder.KeyDecodingStrategy = .useDefaultKeys
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = keys
        return try decoder.decode(type, from: Data(contentsOf: folder.appendingPathComponent(file)))
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
