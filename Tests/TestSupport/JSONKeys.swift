package import Foundation

/// Returns the keys of all objects in a JSON text.
package func jsonKeys(in data: Data) throws -> Set<String> {
    func keys(_ value: Any) -> Set<String> {
        switch value {
        case let object as [String: Any]: object.values.reduce(into: Set(object.keys)) { $0.formUnion(keys($1)) }
        case let array as [Any]: array.reduce(into: []) { $0.formUnion(keys($1)) }
        default: []
        }
    }
    return keys(try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed))
}
