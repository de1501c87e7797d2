/// The entry point of the command line.
public enum DPolicy {
    /// Runs the subcommand that the process arguments name and exits with its exit code.
    public static func main() { RootCommand.main() }
}
