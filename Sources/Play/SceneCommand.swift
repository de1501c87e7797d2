import Foundation

/// What a page asks for.
///
/// On the wire it is a JSON object whose `type` is the name of the case: `{"type": "grab", "body": "block", "at": [250, 300]}`.
enum SceneCommand: Sendable, Equatable {
    /// Goes on after a pause.
    case run
    /// Stops the scene.
    case pause
    /// Does one control step and stops again.
    case step
    /// Begins the same start again.
    case restart
    /// Begins another start.
    case next
    /// Changes how the policy acts.
    case settings(PlaySettings)
    /// Takes hold of a body at a point of the world.
    case grab(Body, at: SIMD2<Double>)
    /// Pulls what is held to a point of the world.
    case drag(to: SIMD2<Double>)
    /// Turns the block, in radians.
    case turn(by: Double)
    /// Moves a body that is not held, in pixels.
    case nudge(Body, by: SIMD2<Double>)
    /// Says that what is held is still held; any other command of the page that holds it does so, too.
    case hold
    /// Lets go of what is held.
    case release
    /// Saves the episode that was recorded, and begins another start.
    case keep
    /// Forgets the episode, and begins another start.
    case discard
    /// Forgets the episode, and begins the same start again.
    case redo

    /// What can be moved.
    enum Body: String, Codable, Sendable {
        /// The T.
        case block
        /// The round pusher.
        case agent
    }
}

extension SceneCommand: Decodable {
    private enum Name: String, Decodable {
        case run, pause, step, restart, next, settings, grab, drag, turn, nudge, hold, release, keep, discard, redo
    }

    private enum CodingKeys: String, CodingKey {
        case type, settings, body, at, to, by
    }

    /// Reads the object; numbers that cannot be meant are refused.
    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        func point(_ key: CodingKeys) throws -> SIMD2<Double> { try object.decode(ScenePoint.self, forKey: key).vector }
        switch try object.decode(Name.self, forKey: .type) {
        case .run: self = .run
        case .pause: self = .pause
        case .step: self = .step
        case .restart: self = .restart
        case .next: self = .next
        case .settings: self = .settings(try object.decode(PlaySettings.self, forKey: .settings))
        case .grab: self = .grab(try object.decode(Body.self, forKey: .body), at: try point(.at))
        case .drag: self = .drag(to: try point(.to))
        case .turn:
            let angle = try object.decode(Double.self, forKey: .by)
            guard abs(angle) <= 2 * .pi else {
                throw DecodingError.dataCorruptedError(
                    forKey: .by, in: object, debugDescription: "a turn is at most 2π, found \(angle)")
            }
            self = .turn(by: angle)
        case .nudge: self = .nudge(try object.decode(Body.self, forKey: .body), by: try point(.by))
        case .hold: self = .hold
        case .release: self = .release
        case .keep: self = .keep
        case .discard: self = .discard
        case .redo: self = .redo
        }
    }

    /// The longest command that is read, in bytes; none comes near.
    static let longest = 4096

    /// Reads the text of a message.
    /// - Throws: `RefusedCommand`.
    init(text: String) throws {
        guard text.utf8.count <= Self.longest else {
            throw RefusedCommand(expected: "at most \(Self.longest) bytes", found: "\(text.utf8.count)")
        }
        do { self = try JSONDecoder().decode(SceneCommand.self, from: Data(text.utf8)) } catch {
            throw RefusedCommand(expected: "a command in JSON", found: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "none of the key \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            (context.codingPath.isEmpty ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": ")
                + context.debugDescription
        default: "\(error)"
        }
    }
}

/// A message that is no command, or a command that makes no sense now.
struct RefusedCommand: Error, Equatable, CustomStringConvertible {
    let expected: String
    let found: String

    var description: String { "command: expected \(expected), found \(found)" }
}
